import { afterEach, describe, expect, it } from '@jest/globals';
import { isFinal, type BackgroundModuleOptions, type JobFuture } from '../../src/index.js';
import { fakeClock, type FakeClock } from '../../src/testing/index.js';
import { startJobs, type JobsApp } from '../support/any-job.js';
import { heapInUse } from '../support/heap.js';
import { Latch } from '../support/latch.js';
import { closeApps } from '../support/test-app.js';
import { until } from '../support/until.js';

afterEach(closeApps);

async function startWith(
  retention: BackgroundModuleOptions['retention'],
  others: BackgroundModuleOptions = {},
): Promise<{ app: JobsApp; clock: FakeClock; isKept: (job: { id: string }) => Promise<boolean> }> {
  const clock = fakeClock();
  const app = await startJobs({ clock, retention, ...others });
  const isKept = async ({ id }: { id: string }): Promise<boolean> =>
    (await app.service.find(id)) !== undefined;
  return { app, clock, isKept };
}

const fails = (): Promise<never> => Promise.reject(new Error('boom'));
const never = (): Promise<never> => new Promise(() => {});

describe('A finished job', () => {
  it('is kept for its time, counted from its end, and then nothing of it is held', async () => {
    const { app, clock, isKept } = await startWith({ completed: '60s' });
    const latch = new Latch();
    const job = app.run(() => latch.opened);
    await clock.advance(30_000);
    latch.open();
    await job;
    await clock.advance(59_999);
    expect(await isKept(job)).toBe(true);
    await clock.advance(1);
    expect(await isKept(job)).toBe(false);
    expect(await app.service.list()).toEqual([]);
    expect(await app.service.getProgress(job.id)).toBeNull();
    await expect(app.service.output(job.id)).rejects.toThrow(/no job/);
    await expect(job.job()).rejects.toThrow(/retention/);
  });

  it('is kept for an hour, or a day if it failed or was cancelled, if nothing else is said', async () => {
    const { app, clock, isKept } = await startWith(undefined);
    const completed = app.run(() => 1);
    const failed = app.run(fails);
    const cancelled = app.run(never);
    await Promise.allSettled([completed, failed]);
    await cancelled.cancel();
    const kept = (): Promise<boolean[]> => Promise.all([completed, failed, cancelled].map(isKept));
    await clock.advance(3_599_999);
    expect(await kept()).toEqual([true, true, true]);
    await clock.advance(1);
    expect(await kept()).toEqual([false, true, true]);
    await clock.advance(23 * 3_600_000);
    expect(await kept()).toEqual([false, false, false]);
  });

  it('still gives its result to whoever holds its future', async () => {
    const { app, clock, isKept } = await startWith({ completed: '1s' });
    const job = app.run(() => 'result');
    await job;
    await clock.advance(1_000);
    expect(await isKept(job)).toBe(false);
    expect(await job).toBe('result');
  });

  it('is the first to go, oldest first, where more than count have finished', async () => {
    const { app, clock, isKept } = await startWith({ count: 100 }, { concurrency: 1 });
    const first = app.run(fails);
    await Promise.allSettled([first]);
    await clock.advance(1);
    const jobs = Array.from({ length: 99 }, () => app.run(() => 1));
    await Promise.all(jobs);
    expect(await isKept(first)).toBe(true);
    await clock.advance(1);
    await app.run(() => 1);
    expect(await isKept(first)).toBe(false);
    expect(await Promise.all(jobs.map(isKept))).not.toContain(false);
    expect(await app.service.list({ limit: 1_000 })).toHaveLength(100);
  });

  it('counts from its own end, though others that began later have gone', async () => {
    const { app, clock, isKept } = await startWith({ completed: '60s' });
    const latch = new Latch();
    const long = app.run(() => latch.opened);
    const short = app.run(() => 1);
    await short;
    await clock.advance(59_000);
    latch.open();
    await long;
    await clock.advance(1_000);
    expect([await isKept(short), await isKept(long)]).toEqual([false, true]);
    await clock.advance(59_000);
    expect(await isKept(long)).toBe(false);
  });
});

describe('A job that is not over', () => {
  it('is never purged, however long it takes and however many finish meanwhile', async () => {
    const { app, clock, isKept } = await startWith({ completed: '1s', count: 1 });
    const latch = new Latch();
    const running = app.run(() => latch.opened);
    const delayed = app.run(() => 1, { delay: '1d' });
    const retried = app.run(fails, { retries: { limit: 1, delay: '1d' } });
    for (let n = 0; n < 5; n++) await app.run(() => n);
    await clock.advance(2 * 3_600_000);
    expect(await Promise.all([running, delayed, retried].map(isKept))).toEqual([true, true, true]);
    expect(await app.service.getProgress(running.id)).toEqual([-1, null]);
    latch.open();
    await running;
    expect(await isKept(running)).toBe(true);
    await clock.advance(1_000);
    expect(await isKept(running)).toBe(false);
  });
});

describe('A job that nothing is kept of', () => {
  it.each([{ count: 0 }, { completed: 0, failed: 0 }])(
    'runs, and tells its future (%p)',
    async (retention) => {
      const { app, clock } = await startWith(retention);
      expect(await app.run(() => 'result')).toBe('result');
      await expect(app.run(fails)).rejects.toThrow('boom');
      await clock.advance(1);
      expect(await app.service.list()).toEqual([]);
    },
  );
});

describe('Ids', () => {
  it('are never issued twice, and are no UUIDs of another kind', async () => {
    const app = await startJobs({ retention: { count: 0 } });
    const ids = new Set<string>();
    for (let round = 0; round < 10; round++) {
      const jobs = Array.from({ length: 1_000 }, () => app.run(() => 1));
      jobs.forEach(({ id }) => ids.add(id));
      await Promise.all(jobs);
    }
    expect(ids.size).toBe(10_000);
    expect(
      [...ids].filter(
        (id) => !/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(id),
      ),
    ).toEqual([]);
    expect([...ids].toSorted()).toEqual([...ids]);
  });
});

describe('After 100,000 jobs', () => {
  /** Runs them in bunches, with output, progress, children, failures, cancels and priorities among them. */
  async function runMany(app: JobsApp, count: number): Promise<void> {
    for (let done = 0; done < count; done += 1_000) {
      const jobs = Array.from({ length: 1_000 }, (_, n) => oneOfMany(app, done + n));
      await Promise.allSettled(jobs);
    }
    await until(async () => (await app.service.list()).every(({ state }) => isFinal(state)));
  }

  function oneOfMany(app: JobsApp, n: number): JobFuture<unknown> {
    // Few, because reading a stack is slow under a test runner.
    if (n % 50 === 1) return app.run(fails);
    if (n % 10 === 2) return app.run(() => console.log(`line ${n}`));
    if (n % 10 === 3) return app.run(() => n, { priority: n, timeout: '1h' });
    if (n % 10 === 4) return app.run(() => void app.run(() => n));
    const job = app.run(() => n);
    if (n % 50 === 5) void job.cancel();
    return job;
  }

  it('the heap is back where it began', async () => {
    const app = await startJobs({ retention: { count: 10 }, output: { console: 'capture' } });
    await runMany(app, 3_000);
    const before = await heapInUse();
    await runMany(app, 100_000);
    expect((await app.service.list()).length).toBeLessThanOrEqual(10);
    expect((await heapInUse()) - before).toBeLessThan(2_000_000);
  }, 60_000);
});

describe('A job that is retried on request', () => {
  it('is kept for its time from its last end, however often it ended before', async () => {
    const { app, clock, isKept } = await startWith({ failed: '60s' });
    const job = app.run(fails);
    await Promise.allSettled([job]);
    for (let time = 0; time < 3; time++) {
      await clock.advance(10_000);
      expect(await app.service.retry(job.id)).toBe(true);
      await clock.advance(0);
    }
    expect(await job.job()).toMatchObject({ state: 'failed', attempt: 4 });
    await clock.advance(59_999);
    expect(await isKept(job)).toBe(true);
    await clock.advance(1);
    expect(await isKept(job)).toBe(false);
  });

  it('is not purged while it runs, though its time after an earlier end is over', async () => {
    const { app, clock, isKept } = await startWith({ failed: '60s' });
    let runs = 0;
    const job = app.run(() => (++runs < 3 ? fails() : never()));
    await Promise.allSettled([job]);
    for (let time = 0; time < 2; time++) {
      expect(await app.service.retry(job.id)).toBe(true);
      await clock.advance(1);
    }
    await clock.advance(3_600_000);
    expect(await isKept(job)).toBe(true);
    expect(await job.job()).toMatchObject({ state: 'running', attempt: 3 });
  });
});
