import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { jobOf, print, setProgress, TrackerUnavailableError } from '../../src/index.js';
import { failOnLeaks } from '../support/leaks.js';
import { newPrefix, ownRedis, type RedisServer } from '../support/redis.js';
import { describeWithRedisServer } from '../support/services.js';
import type { TestApp } from '../support/test-app.js';
import { until } from '../support/until.js';
import { Steps, startSteps as start } from './steps-app.js';

describeWithRedisServer('While Redis is away', () => {
  let server: RedisServer;
  let app: TestApp;

  beforeAll(async () => {
    server = await ownRedis();
  });

  afterAll(async () => {
    await server[Symbol.asyncDispose]();
  });

  beforeEach(() => server.start());

  failOnLeaks();

  beforeEach(async () => {
    app = await start({ url: server.url, recovery: '50ms', prefix: newPrefix() });
  });

  const back = (): Promise<void> =>
    until(() => app.log.containing('log', 'has Redis again').length > 0);

  it('a job goes on; what it prints and reports is stored when Redis is back', async () => {
    const { latches } = app.get(Steps);
    const job = jobOf(app.get(Steps).run());
    await until(async () => (await app.service.output(job.id)) === 'a\n');
    await server.stop();
    await until(() => app.log.containing('warn', 'has lost Redis').length > 0);
    latches[0]!.open();
    latches[1]!.open();
    await expect(app.service.find(job.id)).rejects.toThrow(TrackerUnavailableError);
    await server.start();
    expect(await job).toBe('done');
    await back();
    expect(await app.service.output(job.id)).toBe('a\nb\nc\n');
    const { state, attempt, progress } = (await app.service.find(job.id))!;
    expect({ state, attempt, progress }).toEqual({
      ...{ state: 'completed', attempt: 1, progress: { value: 50, data: { half: true } } },
    });
    expect(app.log.containing('warn', 'has lost Redis')).toHaveLength(1);
  });

  it('a reader who follows a job hears the rest when Redis is back', async () => {
    const { latches } = app.get(Steps);
    const job = jobOf(app.get(Steps).run());
    await until(async () => (await app.service.output(job.id)) === 'a\n');
    await server.stop();
    await server.start();
    await back();
    const texts: string[] = [];
    const ended = new Promise<void>((resolve, reject) =>
      job.follow().subscribe({
        next: (event) => event.type === 'output' && texts.push(event.text),
        error: reject,
        complete: resolve,
      }),
    );
    latches.forEach((latch) => latch.open());
    await ended;
    expect(texts.join('')).toBe('a\nb\nc\n');
  });

  it.each(['stopped', 'frozen'])(
    '(%s) a call is refused within seconds, and leaves no trace',
    async (how) => {
      // One that is done, so that Redis knows the programs of the tracker.
      await app.service.wait(app.service.perform(() => undefined));
      const stopped = how === 'stopped';
      if (stopped) await server.stop();
      else server.freeze();
      const began = performance.now();
      const call = jobOf(app.get(Steps).run());
      await expect(call).rejects.toThrow(TrackerUnavailableError);
      await expect(call.accepted).rejects.toThrow(TrackerUnavailableError);
      expect(performance.now() - began).toBeLessThan(12_000);
      if (stopped) await server.start();
      else server.thaw();
      await back();
      await until(async () => (await app.service.list()).length === 1);
      expect(await app.service.counts()).toMatchObject({ queued: 0, running: 0 });
    },
  );

  it('HTTP answers 503, for starts and for polls', async () => {
    const started = await app.fetch('/steps');
    await server.stop();
    const answers = [await app.fetch('/steps'), await app.fetch(started.headers.get('location')!)];
    for (const answer of answers) {
      expect(answer.status).toBe(503);
      expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
      expect(await answer.text()).not.toContain('127.0.0.1');
    }
  });

  it('connections that are cut again and again lose nothing of what was accepted', async () => {
    const admin = new Redis(server.url);
    const jobs: string[] = [];
    const call = (): void => {
      const of = jobs.length;
      jobs.push(
        app.service.perform(async () => {
          for (let line = 0; line < 10; line++) {
            print(`${of}: ${line}`);
            setProgress(line);
            await new Promise((resolve) => setImmediate(resolve));
          }
        }),
      );
    };
    const cut = (): Promise<unknown> =>
      admin.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    /** A cut may refuse all that is being stored at that moment. */
    const isOver = async (least: number): Promise<boolean> => {
      const counts = await app.service.counts().catch(() => undefined);
      if (!counts) return false;
      return counts.completed >= least || counts.queued + counts.running === 0;
    };
    for (let least = 0; least < 100; least += 10) {
      for (let more = 30; more > 0; more--) call();
      await until(() => isOver(least));
      await cut();
    }
    await until(() => app.service.counts().then(Boolean, () => false));
    for (let more = 30; more > 0; more--) call();
    await app.service.drain();
    admin.disconnect();
    await back();
    // A call that was refused by a cut leaves nothing, once that has got through.
    await until(async () => (await app.service.counts()).queued === 0);
    const kept = await app.service.list({ limit: 1_000 });
    expect(kept.length).toBeGreaterThan(0);
    for (const { id, state, attempt } of kept) {
      const of = jobs.indexOf(id);
      const lines = Array.from({ length: 10 }, (_, line) => `${of}: ${line}\n`);
      expect({ state, attempt }).toEqual({ state: 'completed', attempt: 1 });
      expect(await app.service.output(id)).toBe(lines.join(''));
    }
  });

  it('closing the application is not held up', async () => {
    const job = jobOf(app.get(Steps).run());
    job.catch(() => undefined);
    await job.accepted;
    await server.stop();
    app.get(Steps).latches.forEach((latch) => latch.open());
    const began = performance.now();
    await app[Symbol.asyncDispose]();
    expect(performance.now() - began).toBeLessThan(20_000);
  });
});
