import { BroadcastChannel } from 'node:worker_threads';
import { afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { JobFuture } from '../../src/index.js';
import { fakeClock } from '../../src/testing/index.js';
import { build, builtLibrary } from '../support/built.js';
import { until } from '../support/until.js';
import type { Crunch } from './fixtures/crunch.js';
import { closeThreads, startThreads } from './thread-app.js';

jest.setTimeout(20_000);

beforeAll(() => build('src', 'test/threads/fixtures'));
afterEach(closeInTime);

let clock = fakeClock();

/** A thread that does not start is not waited for, once its grace is over. */
async function closeInTime(): Promise<void> {
  let isClosed = false;
  void closeThreads().finally(() => (isClosed = true));
  await until(async () => {
    await clock.advance(1_000);
    return isClosed;
  });
}

type Where = JobFuture<Awaited<ReturnType<Crunch['where']>>>;

/** An application with one thread, and calls that may take a second. */
async function startLimited(fixture: string) {
  const { background } = await builtLibrary();
  clock = fakeClock();
  const { crunch, service } = await startThreads(fixture, { clock });
  return {
    ...{ crunch, service },
    call: () => background(crunch, { timeout: '1s' }).where(),
    begins: (future: Where) => until(async () => (await future.job()).state === 'running'),
  };
}

describe('The timeout of a method in a thread', () => {
  it('does not count while it waits for a thread', async () => {
    const { crunch, service, call, begins } = await startLimited('worker-app');
    const shared = new SharedArrayBuffer(4);
    const burning = crunch.burnsUntil(shared) as JobFuture<string>;
    await until(async () => (await service.output(burning.id)) === 'burning\n');
    const waiting = call();
    await begins(waiting);
    await clock.advance(5_000);
    expect((await waiting.job()).waitsFor).toMatchObject({ what: 'place' });
    Atomics.store(new Int32Array(shared), 0, 1);
    expect(await burning).toBe('seen');
    expect(await waiting).toMatchObject({ calls: 1 });
  });

  it('does not count while the application of its thread starts', async () => {
    const { call, begins } = await startLimited('slow-app');
    const waiting = call();
    await begins(waiting);
    await clock.advance(5_000);
    const channel = new BroadcastChannel('slow-app');
    await until(async () => {
      channel.postMessage('start');
      return (await waiting.job()).state !== 'running';
    });
    channel.close();
    expect(await waiting).toMatchObject({ calls: 1 });
  });

  it('ends it all the same where that application does not start within a minute', async () => {
    const { call, begins } = await startLimited('slow-app');
    const waiting = call();
    await begins(waiting);
    await clock.advance(59_000);
    expect((await waiting.job()).state).toBe('running');
    await clock.advance(1_000);
    await expect(waiting).rejects.toMatchObject({ name: 'JobTimeoutError', timeout: 60_000 });
  });

  it('does not keep a job from being cancelled while it waits for a thread', async () => {
    const { call, begins } = await startLimited('slow-app');
    const first = call();
    await begins(first);
    const waiting = call();
    await begins(waiting);
    expect(await waiting.cancel()).toBe(true);
    await expect(waiting).rejects.toMatchObject({ name: 'JobCancelledError' });
    await clock.advance(60_000);
    await expect(first).rejects.toThrow('longer than its timeout');
  });
});
