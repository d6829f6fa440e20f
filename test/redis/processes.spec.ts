import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { jobOf, print, setProgress, type JobEvent } from '../../src/index.js';
import { fakeClock } from '../../src/testing/index.js';
import { redisTracker, type RedisTrackerOptions } from '../../src/tracker/redis/entry.js';
import { build, builtUrl } from '../support/built.js';
import { Latch } from '../support/latch.js';
import { newPrefix, removeKeys } from '../support/redis.js';
import { describeWithRedis } from '../support/services.js';
import { closeApps, startApp, type TestApp } from '../support/test-app.js';
import { until } from '../support/until.js';
import { LINES, Talker } from './fixtures/talker.js';

describeWithRedis('Two processes on one Redis', (url) => {
  let prefix: string;
  const workers: ChildProcess[] = [];

  beforeAll(() => build('src', 'test/redis/fixtures'));

  beforeEach(() => {
    prefix = newPrefix();
  });

  afterEach(async () => {
    await Promise.all(workers.splice(0).map(kill));
    await closeApps();
    await removeKeys(url, prefix);
  });

  function start(
    options: Partial<RedisTrackerOptions> = {},
    app: Parameters<typeof startApp>[0] = {},
  ): Promise<TestApp> {
    const tracker = redisTracker({ url, prefix, ...options });
    return startApp({ ...app, background: { ...app.background, tracker } });
  }

  /** Another process, which runs jobs. */
  async function worker(options: Partial<RedisTrackerOptions> = {}): Promise<ChildProcess> {
    const env = { ...process.env, TRACKER: JSON.stringify({ url, prefix, ...options }) };
    const script = fileURLToPath(builtUrl('test/redis/fixtures/worker.ts'));
    const child = fork(script, { env, execArgv: [] });
    workers.push(child);
    await once(child, 'message');
    return child;
  }

  async function startIn(child: ChildProcess, count: number): Promise<string> {
    const started = once(child, 'message');
    child.send({ start: count });
    return String((await started)[0]);
  }

  async function kill(child: ChildProcess): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  }

  it('see output, progress and end of each other’s jobs as they come', async () => {
    // Time stands still, so that nobody looks for news: what is heard of was pushed.
    const app = await start({}, { background: { clock: fakeClock() } });
    const child = await worker();
    const id = await startIn(child, LINES.length);
    const events: JobEvent[] = [];
    const ended = new Promise<void>((resolve, reject) =>
      app.service
        .follow(id)
        .subscribe({ next: (e) => events.push(e), error: reject, complete: resolve }),
    );
    const text = (): string => events.map((e) => (e.type === 'output' ? e.text : '')).join('');
    let expected = '';
    for (const [said, line] of LINES.entries()) {
      child.send({ tell: 1 });
      expected += `1\n${line}\n`;
      const soFar = expected;
      // The next line is not said before this one was heard.
      await until(() => text() === soFar);
      await until(
        async () => (await app.service.getProgress(id))?.[0] === said || said === LINES.length - 1,
      );
    }
    await ended;
    expect(await app.service.output(id)).toBe(expected);
    expect(events.at(-1)).toMatchObject({
      type: 'state',
      state: 'completed',
      job: { result: LINES.length },
    });
    expect(events).toContainEqual({ type: 'progress', value: 1, data: { said: '\0' } });
    expect(await app.service.wait(id)).toBe(LINES.length);
  });

  it('run again what one of them left when it was killed', async () => {
    const child = await worker({ lease: '1s' });
    const id = await startIn(child, 2);
    child.send({ tell: 1 });
    const app = await start({ lease: '1s', recovery: '50ms' }, { providers: [Talker] });
    await until(async () => (await app.service.output(id)) === '1\na\n\n');
    await kill(child);
    app.get(Talker).tell();
    app.get(Talker).tell();
    expect(await app.service.wait(id)).toBe(2);
    expect(await app.service.output(id)).toBe('1\na\n\n2\na\n\n2\n\0\n');
    expect(await app.service.find(id)).toMatchObject({ attempt: 2, state: 'completed' });
  });

  it('leave a job to its process that computes for longer than its lease', async () => {
    const app = await start({ lease: '1s', recovery: '20ms' }, { providers: [Talker] });
    const child = await worker({ lease: '1s', recovery: '20ms' });
    const busy = app.service.perform(() => {
      const end = performance.now() + 2_500;
      while (performance.now() < end);
      return 'done';
    });
    expect(await app.service.wait(busy)).toBe('done');
    expect(await app.service.find(busy)).toMatchObject({ attempt: 1, state: 'completed' });
    await kill(child);
  });

  it('hand back at a shutdown what another process then runs', async () => {
    const first = await start({}, { providers: [Talker], background: { shutdown: { grace: 0 } } });
    const running = jobOf(first.get(Talker).talk(1));
    running.catch(() => undefined);
    await until(async () => (await first.service.find(running.id))?.state === 'running');
    const child = await worker({ recovery: '20ms' });
    await first[Symbol.asyncDispose]();
    child.send({ tell: 1 });
    const second = await start();
    expect(await second.service.wait(running.id)).toBe(1);
  });

  it('keep what waits in a living one, and lose after the expiry what a dead one left', async () => {
    const app = await start({ expiry: '1s' }, { background: { concurrency: 1 } });
    const latch = new Latch();
    const running = app.service.perform(() => latch.opened);
    const queued = app.service.perform(() => 'done');
    const child = await worker({ expiry: '1s' });
    const orphan = await startIn(child, 2);
    child.send({ tell: 1 });
    await until(async () => (await app.service.getProgress(orphan))?.[0] === 0);
    await kill(child);
    // Nobody else has a method of this name, so nobody runs it again.
    await until(async () => (await app.service.find(orphan)) === undefined);
    expect(await app.service.getProgress(orphan)).toBeNull();
    await until(async () => (await app.service.list()).length === 2);
    expect(await app.service.getProgress(queued)).toEqual([-1, null]);
    expect((await app.service.find(running))?.state).toBe('running');
    latch.open();
    expect(await app.service.wait(queued)).toBe('done');
  });

  it('bring nothing back that is gone', async () => {
    const app = await start();
    const latch = new Latch();
    const id = app.service.perform(async () => {
      print('before');
      await latch.opened;
      print('after');
      setProgress(50);
    });
    await until(async () => (await app.service.output(id)) === 'before\n');
    const redis = new Redis(url);
    await redis.del(`${prefix}:{${id}}`, `${prefix}:{${id}}:output`);
    latch.open();
    await app.service.drain();
    expect(await app.service.find(id)).toBeUndefined();
    expect(await redis.exists(`${prefix}:{${id}}`, `${prefix}:{${id}}:output`)).toBe(0);
    redis.disconnect();
  });
});
