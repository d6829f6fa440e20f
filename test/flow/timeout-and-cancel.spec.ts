import { describe, expect, it } from '@jest/globals';
import {
  currentJob,
  JobCancelledError,
  JobTimeoutError,
  localEngine,
  print,
  setProgress,
  Timeout,
  type JobFuture,
} from '../../src/index.js';
import { fakeClock } from '../../src/testing/index.js';
import { startJobs } from '../support/any-job.js';
import { Latch } from '../support/latch.js';
import { failOnLeaks } from '../support/leaks.js';
import { until } from '../support/until.js';

failOnLeaks();

const stateOf = async (job: JobFuture<unknown>): Promise<string> => (await job.job()).state;
const isRunning = (job: JobFuture<unknown>) => async (): Promise<boolean> =>
  (await stateOf(job)) === 'running';
const never = (): Promise<never> => new Promise(() => {});

describe('A job that runs longer than its timeout', () => {
  it('fails at that moment, and nothing changes when it ends after all', async () => {
    const clock = fakeClock();
    const app = await startJobs({ clock });
    const latch = new Latch();
    let signal: AbortSignal | undefined;
    const work = async (): Promise<string> => {
      signal = currentJob()!.signal;
      print('begins');
      await latch.opened;
      print('late');
      setProgress(99);
      return 'late result';
    };
    const job = app.run(work, { timeout: '1s' });
    await clock.advance(999);
    expect(await stateOf(job)).toBe('running');
    expect(signal!.aborted).toBe(false);
    await clock.advance(1);
    await expect(job).rejects.toThrow(JobTimeoutError);
    expect(signal!.reason).toBeInstanceOf(JobTimeoutError);
    const failed = await job.job();
    expect(failed).toMatchObject({ state: 'failed', error: { name: 'JobTimeoutError' } });
    latch.open();
    await clock.advance(4_000);
    expect(await job.job()).toEqual(failed);
    expect(await app.service.output(job.id)).toBe('begins\n');
  });

  it('is not charged for the time it waited in the queue', async () => {
    const clock = fakeClock();
    const app = await startJobs({ clock, concurrency: 1 });
    const latch = new Latch();
    const first = app.run(() => latch.opened);
    await until(isRunning(first));
    const second = app.run(never, { timeout: '1s' });
    await clock.advance(60_000);
    expect(await stateOf(second)).toBe('queued');
    latch.open();
    await until(isRunning(second));
    await clock.advance(999);
    expect(await stateOf(second)).toBe('running');
    await clock.advance(1);
    await expect(second).rejects.toThrow(JobTimeoutError);
  });

  it('gives the value Timeout where that is asked for, and has failed all the same', async () => {
    const clock = fakeClock();
    const app = await startJobs({ clock });
    const job = app.run(never, { timeout: '1s', onTimeout: 'value' });
    await clock.advance(1_000);
    expect(await job).toBe(Timeout);
    expect(await stateOf(job)).toBe('failed');
  });

  it('frees its slot, though its code runs on', async () => {
    const clock = fakeClock();
    const app = await startJobs({ clock, concurrency: 1 });
    void app.run(never, { timeout: '1s' });
    const next = app.run(() => 'next');
    await clock.advance(1_000);
    expect(await next).toBe('next');
  });

  it('takes the timeout of the application where it says nothing itself', async () => {
    const clock = fakeClock();
    const app = await startJobs({ clock, timeout: '1s' });
    const jobs = [app.run(never), app.run(never, { timeout: '1h' })];
    await clock.advance(1_000);
    expect(await Promise.all(jobs.map(stateOf))).toEqual(['failed', 'running']);
  });

  it('has the full time for each attempt', async () => {
    const clock = fakeClock();
    const app = await startJobs({ clock });
    const retries = { limit: 1, delay: '1s' };
    const job = app.run(never, { timeout: '10s', retries });
    await clock.advance(20_999);
    expect(await job.job()).toMatchObject({ state: 'running', attempt: 2 });
    await clock.advance(1);
    await expect(job).rejects.toThrow(JobTimeoutError);
  });

  it('says in its error which job it was, and what to do', async () => {
    const clock = fakeClock();
    const app = await startJobs({ clock });
    const job = app.run(never, { timeout: '1s' });
    await clock.advance(1_000);
    const error = await job.catch((error: unknown) => error);
    expect(error).toMatchObject({ jobId: job.id, jobName: 'AnyJob.run', timeout: 1_000 });
    expect(String(error)).toMatch(/Raise \{ timeout \}|signal/);
  });

  it('leaves a job alone that ends in time', async () => {
    const clock = fakeClock();
    const app = await startJobs({ clock });
    const job = app.run(() => 'quick', { timeout: '1s' });
    expect(await job).toBe('quick');
    await clock.advance(10_000);
    expect(await stateOf(job)).toBe('completed');
  });

  it('hands on an error of a child that timed out as the failure it is', async () => {
    const clock = fakeClock();
    const app = await startJobs({ clock });
    const child = (): JobFuture<unknown> => app.run(never, { timeout: '1s' });
    const parent = app.run(() => child(), { timeout: '1h', onTimeout: 'value' });
    await clock.advance(1_000);
    await expect(parent).rejects.toThrow(JobTimeoutError);
  });
});

describe('Cancelling a job', () => {
  it('rejects its future at once, aborts its signal, and drops what comes late', async () => {
    const app = await startJobs();
    const latch = new Latch();
    let signal: AbortSignal | undefined;
    const job = app.run(async () => {
      signal = currentJob()!.signal;
      await latch.opened;
      print('late');
      return 'late';
    });
    await until(isRunning(job));
    expect(await job.cancel('not needed')).toBe(true);
    const error = await job.catch((error: unknown) => error);
    expect(error).toBeInstanceOf(JobCancelledError);
    expect(error).toMatchObject({ jobId: job.id, reason: 'not needed' });
    expect(String(error)).toContain('not needed');
    expect(signal!.reason).toBe(error);
    latch.open();
    await app.service.drain();
    expect(await job.job()).toMatchObject({
      state: 'cancelled',
      error: { name: 'JobCancelledError', message: (error as Error).message },
    });
    expect(await app.service.output(job.id)).toBe('');
  });

  it('gives false where the job is over, was cancelled, or never was', async () => {
    const app = await startJobs();
    const job = app.run(() => 'done');
    await job;
    expect(await job.cancel()).toBe(false);
    const other = app.run(never);
    expect(await other.cancel()).toBe(true);
    expect(await other.cancel()).toBe(false);
    expect(await app.service.cancel('no such job')).toBe(false);
  });

  it('is never retried, and never logged as a failure', async () => {
    const clock = fakeClock();
    const app = await startJobs({ clock });
    const job = app.run(never, { retries: 5 });
    await until(isRunning(job));
    await job.cancel();
    await clock.advance(3_600_000);
    expect(await job.job()).toMatchObject({ state: 'cancelled', attempt: 1 });
    expect(app.log.containing('error', job.id)).toEqual([]);
  });

  it('right after the call runs nothing', async () => {
    const app = await startJobs();
    let runs = 0;
    const job = app.run(() => ++runs);
    const cancelled = job.cancel();
    await expect(job).rejects.toThrow(JobCancelledError);
    expect(await cancelled).toBe(true);
    await app.service.drain();
    expect(runs).toBe(0);
  });

  it('counts though the engine cannot be told', async () => {
    const engine = localEngine();
    engine.discard = () => Promise.reject(new Error('the queue is gone'));
    const app = await startJobs({ engine, concurrency: 1 });
    const running = app.run(never);
    await until(isRunning(running));
    let runs = 0;
    const queued = app.run(() => ++runs);
    await expect(queued.cancel()).rejects.toThrow('the queue is gone');
    await expect(queued).rejects.toThrow(JobCancelledError);
    await running.cancel();
    await app.service.drain();
    expect(runs).toBe(0);
  });

  it('lets a job cancel itself', async () => {
    const app = await startJobs();
    const job = app.run(() => app.service.cancel(currentJob()!.id, 'enough'));
    await expect(job).rejects.toThrow('enough');
    expect(await stateOf(job)).toBe('cancelled');
  });

  it('ends code that listens to the signal', async () => {
    const app = await startJobs();
    let ended: unknown;
    const job = app.run(
      () =>
        new Promise((_resolve, reject) => {
          const { signal } = currentJob()!;
          signal.addEventListener('abort', () => reject((ended = signal.reason) as Error));
        }),
    );
    await until(isRunning(job));
    await job.cancel();
    const error = await job.catch((error: unknown) => error);
    expect(ended).toBe(error);
  });

  it('is known to code that asks for the signal only afterwards', async () => {
    const app = await startJobs();
    const latch = new Latch();
    let aborted: boolean | undefined;
    const job = app.run(async () => {
      const context = currentJob()!;
      await latch.opened;
      aborted = context.signal.aborted;
    });
    await until(isRunning(job));
    await job.cancel();
    latch.open();
    await until(() => aborted === true);
  });

  const circle: { self?: unknown } = {};
  circle.self = circle;
  it.each([
    ['an error', new Error('because'), 'because'],
    ['a circle', circle, 'Circular'],
    ['a BigInt', 10n, '10'],
    ['a symbol', Symbol('why'), 'why'],
    ['null', null, 'null'],
  ])('takes %s for a reason', async (_what, reason, text) => {
    const app = await startJobs();
    const job = app.run(never);
    expect(await job.cancel(reason)).toBe(true);
    const error = await job.catch((error: unknown) => error);
    expect(error).toMatchObject({ name: 'JobCancelledError', reason });
    expect(String(error)).toContain(text);
  });
});
