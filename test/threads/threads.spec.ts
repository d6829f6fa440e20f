import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { JobFuture } from '../../src/index.js';
import { build, builtLibrary } from '../support/built.js';
import { until } from '../support/until.js';
import {
  closeSharedThreads,
  closeThreads,
  fixtureUrl,
  sharedThreads,
  startThreads,
  type ThreadAppUnderTest,
} from './thread-app.js';

// Tests start threads, and in them applications; on a busy machine that takes its time.
jest.setTimeout(60_000);

beforeAll(() => build('src', 'test/threads/fixtures'));
afterEach(closeThreads);
afterAll(closeSharedThreads);

/** For tests that need options: those of one do not matter to the others, so that one application is enough. */
function patientThreads(): Promise<ThreadAppUnderTest> {
  return sharedThreads('context-app', {
    threads: { app: fixtureUrl('context-app'), grace: '1m' },
    output: { console: 'capture' },
  });
}

function futureOf<T>(promise: Promise<T>): JobFuture<T> {
  return promise as JobFuture<T>;
}

describe('A method under { thread: true }', () => {
  it.each([
    ['worker-app', sharedThreads],
    ['context-app', patientThreads],
  ])(
    'runs in another thread, on an instance of that thread, with %s',
    async (_fixture, threads) => {
      const { crunch } = await threads();
      const [first, second] = [await crunch.where(), await crunch.where()];
      expect(first.thread).not.toBe(0);
      expect(second).toEqual({ thread: first.thread, calls: first.calls + 1 });
      expect(crunch.calls).toBe(0);
    },
  );

  it('takes and gives whatever can be copied to a thread', async () => {
    const { crunch } = await sharedThreads();
    const value = { date: new Date(0), map: new Map([[1n, new Set(['a'])]]), nothing: undefined };
    expect(await crunch.echo(value)).toEqual(value);
    expect(await crunch.echo(undefined)).toBeUndefined();
  });

  it('knows its job, and is retried as any other', async () => {
    const { crunch } = await sharedThreads();
    const future = futureOf(crunch.describe(true));
    expect(await future).toMatchObject({ id: future.id, name: 'a name of its own', attempt: 2 });
    expect(await future.job()).toMatchObject({ state: 'completed', attempt: 2 });
  });

  it('has all of its output and its progress kept before its end', async () => {
    const { crunch, service } = await patientThreads();
    const future = futureOf(crunch.reports(500));
    await expect(future).rejects.toThrow('setProgress() was given NaN');
    const lines = Array.from({ length: 500 }, (_, line) => `line ${line}\n`).join('');
    expect(await service.output(future.id)).toBe(`${lines}a warning\n`);
    expect((await future.job()).progress).toEqual({ value: 50, data: { half: true } });
  });

  it('fails with its own error: name, message and fields, as far as they can be copied', async () => {
    const { crunch } = await sharedThreads();
    const error: unknown = await crunch.fails().catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ name: 'RangeError', message: 'out of range', limit: 7 });
    expect(error).not.toHaveProperty('callback');
    await expect(crunch.throwsText()).rejects.toBe('only a text');
  });

  it('leaves the event loop free', async () => {
    const { crunch, service } = await sharedThreads();
    const shared = new SharedArrayBuffer(4);
    const future = futureOf(crunch.burnsUntil(shared));
    await until(async () => (await service.output(future.id)) === 'burning\n');
    for (let turn = 0; turn < 1_000; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect((await future.job()).state).toBe('running');
    Atomics.store(new Int32Array(shared), 0, 1);
    expect(await future).toBe('seen');
  });

  it('may start jobs of its own application, which run in that thread', async () => {
    const { crunch } = await sharedThreads();
    const [where, fromFunction, thread] = (await crunch.startsAnother()) as [
      { thread: number },
      number,
      number,
    ];
    expect([where.thread, fromFunction]).toEqual([thread, thread]);
  });
});

describe('A timeout or cancel of a method in a thread', () => {
  it('is seen in a loop that asks the signal, and leaves the thread alive', async () => {
    const { crunch, service } = await patientThreads();
    const { thread, calls } = await crunch.where();
    const future = futureOf(crunch.listens());
    await until(async () => (await service.output(future.id)) === 'burning\n');
    expect(await future.cancel('enough')).toBe(true);
    await expect(future).rejects.toMatchObject({ name: 'JobCancelledError', reason: 'enough' });
    expect(await crunch.where()).toEqual({ thread, calls: calls + 1 });
  });

  it('ends the thread where it is ignored, and later jobs have a new one', async () => {
    const { crunch, service } = await sharedThreads();
    const { thread } = await crunch.where();
    const future = futureOf(crunch.stubborn());
    await until(async () => (await service.output(future.id)) === 'burning\n');
    expect(await future.cancel()).toBe(true);
    await expect(future).rejects.toMatchObject({ name: 'JobCancelledError' });
    const after = await crunch.where();
    expect(after.thread).not.toBe(thread);
    expect(after.calls).toBe(1);
  });

  it('by its timeout likewise', async () => {
    const { background, JobTimeoutError } = await builtLibrary();
    const { crunch } = await sharedThreads();
    const { thread } = await crunch.where();
    const stubborn = background(crunch, { timeout: 500 }).stubborn();
    await expect(stubborn).rejects.toBeInstanceOf(JobTimeoutError);
    const after = await crunch.where();
    expect(after.thread).not.toBe(thread);
    expect(after.calls).toBe(1);
  });

  it('takes a job out of the line for a thread', async () => {
    const { crunch, service } = await sharedThreads();
    const { thread, calls } = await crunch.where();
    const shared = new SharedArrayBuffer(4);
    const burning = futureOf(crunch.burnsUntil(shared));
    await until(async () => (await service.output(burning.id)) === 'burning\n');
    const waiting = futureOf(crunch.where());
    await until(async () => (await waiting.job()).state === 'running');
    expect(await waiting.cancel()).toBe(true);
    await expect(waiting).rejects.toMatchObject({ name: 'JobCancelledError' });
    Atomics.store(new Int32Array(shared), 0, 1);
    expect(await burning).toBe('seen');
    expect(await crunch.where()).toEqual({ thread, calls: calls + 1 });
  });
});

describe('What a thread cannot do', () => {
  it('is to take an argument that cannot be copied: the call is refused, with the path', async () => {
    const { crunch, service } = await sharedThreads();
    const before = await service.list();
    const refused = futureOf(crunch.echo({ rows: [1, { onDone: () => {} }] }));
    await expect(refused).rejects.toMatchObject({
      name: 'ArgumentsNotSerializableError',
      path: 'arguments[0].rows[1].onDone',
    });
    expect(await service.list()).toEqual(before);
  });

  it('is to return such a thing: the job fails, with the path', async () => {
    const { crunch } = await sharedThreads();
    const { thread, calls } = await crunch.where();
    await expect(crunch.returnsFunction()).rejects.toMatchObject({
      name: 'ResultNotSerializableError',
      path: 'result.rows[1].onDone',
    });
    expect(await crunch.where()).toEqual({ thread, calls: calls + 1 });
  });

  it('is to end the process: only its own job fails', async () => {
    const { crunch } = await sharedThreads();
    const { thread } = await crunch.where();
    await expect(crunch.exits()).rejects.toThrow();
    const after = await crunch.where();
    expect(after.thread).not.toBe(thread);
    expect(after.calls).toBe(1);
  });

  it('is to end the process with an error that comes when its job is over', async () => {
    const { crunch, log } = await sharedThreads();
    const { thread } = await crunch.where();
    const isOver = new SharedArrayBuffer(4);
    await crunch.leavesTrouble(isOver);
    Atomics.store(new Int32Array(isOver), 0, 1);
    await until(() => log.containing('error', 'an error that nobody caught').length === 1);
    expect(log.containing('error', 'trouble')).toHaveLength(1);
    const after = await crunch.where();
    expect(after.thread).not.toBe(thread);
    expect(after.calls).toBe(1);
  });

  it('is to run a function that no class has', async () => {
    const { background } = await builtLibrary();
    await sharedThreads();
    expect(() => background(() => 1, { thread: true })()).toThrow('{ thread: true }');
  });
});

describe('An application for threads', () => {
  it.each([
    ['throwing-app', 'no database'],
    ['empty-app', 'exports no function'],
    ['wrong-app', 'neither an application context nor a module class'],
    ['other-app', 'no provider Crunch with a method where()'],
  ])('that is no good fails the jobs, and says why: %s', async (fixture, why) => {
    const { crunch } = await startThreads(fixture);
    await expect(crunch.where()).rejects.toMatchObject({
      name: 'ThreadError',
      message: expect.stringContaining(why) as unknown,
    });
    await expect(crunch.where()).rejects.toThrow(why);
  });

  it('that is not there is an error at start', async () => {
    await expect(startThreads('nowhere')).rejects.toThrow('there is no module');
  });

  it('that is not given is an error at start, with and without { threads }', async () => {
    const app = undefined as never;
    await expect(startThreads('worker-app', { threads: { app } })).rejects.toThrow('has no "app"');
    await expect(startThreads('worker-app', { threads: undefined })).rejects.toThrow(
      'asks for { thread: true }, but there are no threads',
    );
  });

  it('is closed with the one that has the threads', async () => {
    const file = join(mkdtempSync(join(tmpdir(), 'threads-')), 'closed');
    const { crunch } = await patientThreads();
    await crunch.notesItsEndIn(file);
    await closeSharedThreads();
    expect(readFileSync(file, 'utf8')).toBe('closed');
  });
});
