import { describe, expect, it } from '@jest/globals';
import { lastValueFrom, toArray } from 'rxjs';
import {
  currentJob,
  isFinal,
  JobInterruptedError,
  memoryTracker,
  type JobFuture,
  type JobTracker,
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
const GRACE = { shutdown: { grace: '5s' } };

describe('Closing an application', () => {
  it('lets a running job finish within the grace', async () => {
    const clock = fakeClock();
    const app = await startJobs({ clock, ...GRACE });
    const latch = new Latch();
    const job = app.run(() => latch.opened.then(() => 'done'));
    await until(isRunning(job));
    const closed = app.app.close();
    await clock.advance(4_999);
    latch.open();
    expect(await job).toBe('done');
    await closed;
    expect(await stateOf(job)).toBe('completed');
  });

  it('aborts a job that is not done when the grace is over', async () => {
    const clock = fakeClock();
    const app = await startJobs({ clock, ...GRACE });
    let signal: AbortSignal | undefined;
    const job = app.run(() => ((signal = currentJob()?.signal), never()));
    await until(isRunning(job));
    const closed = app.app.close();
    await clock.advance(4_999);
    expect(signal?.aborted).toBe(false);
    await clock.advance(1);
    await closed;
    await expect(job).rejects.toThrow(JobInterruptedError);
    expect(signal?.reason).toBeInstanceOf(JobInterruptedError);
    expect(await job.job()).toMatchObject({
      state: 'failed',
      error: { name: 'JobInterruptedError' },
    });
  });

  it('never starts a job that is queued or delayed, and says so to whoever waits', async () => {
    const app = await startJobs({ concurrency: 1 });
    const ran: string[] = [];
    const running = app.run(never);
    const queued = app.run(() => ran.push('queued'));
    const delayed = app.run(() => ran.push('delayed'), { delay: '1h' });
    await until(isRunning(running));
    await app.app.close();
    for (const job of [queued, delayed]) {
      await expect(job).rejects.toThrow(/given up before it began/);
      expect(await stateOf(job)).toBe('failed');
    }
    expect(ran).toEqual([]);
  });

  it('refuses new jobs from its beginning on, also those that a running job starts', async () => {
    const clock = fakeClock();
    const app = await startJobs({ clock, ...GRACE });
    const latch = new Latch();
    const parent = app.run(async () => {
      await latch.opened;
      return app
        .run(() => 'child')
        .then(
          () => 'ran',
          (error: Error) => error.name,
        );
    });
    await until(isRunning(parent));
    const closed = app.app.close();
    await until(() =>
      app
        .run(() => 'too late')
        .then(
          () => false,
          (error: Error) => error.message.includes('before it was accepted'),
        ),
    );
    latch.open();
    expect(await parent).toBe('JobInterruptedError');
    await closed;
    const states = (await app.service.list()).map(({ state }) => state);
    expect(states.filter((state) => !isFinal(state))).toEqual([]);
  });

  it('does not wait for the retry of a job that fails meanwhile', async () => {
    const clock = fakeClock();
    const app = await startJobs({ clock, ...GRACE });
    const latch = new Latch();
    const work = (): Promise<never> =>
      latch.opened.then(() => {
        throw new Error('boom');
      });
    const job = app.run(work, { retries: { limit: 3, delay: '1h' } });
    await until(isRunning(job));
    const closed = app.app.close();
    await clock.advance(1);
    latch.open();
    await closed;
    await expect(job).rejects.toThrow('boom');
    expect(await stateOf(job)).toBe('failed');
  });

  it('gives up a job that waits for its retry', async () => {
    const app = await startJobs();
    const fail = (): never => {
      throw new Error('boom');
    };
    const job = app.run(fail, { retries: { limit: 3, delay: '1h' } });
    await until(async () => (await stateOf(job)) === 'scheduled');
    await app.app.close();
    await expect(job).rejects.toThrow(JobInterruptedError);
  });

  it('logs a job that nobody awaits, with its id, once', async () => {
    const app = await startJobs({ concurrency: 1 });
    const ids = [app.run(never), app.run(never)].map(({ id }) => id);
    await until(async () => (await app.service.counts()).running === 1);
    await app.app.close();
    for (const id of ids) expect(app.log.containing('error', id)).toHaveLength(1);
  });

  it('ends those who follow a job with its final state', async () => {
    const app = await startJobs();
    const job = app.run(never);
    const events = lastValueFrom(job.follow().pipe(toArray()));
    await until(isRunning(job));
    await app.app.close();
    expect((await events).at(-1)).toMatchObject({ type: 'state', state: 'failed' });
  });

  it('leaves no timer of a timeout, a delay, a retry or the retention', async () => {
    const app = await startJobs({ retention: { completed: '1h' } });
    await app.run(() => 'kept for an hour');
    void app.run(never, { timeout: '1h' });
    void app.run(never, { delay: '1h' });
    const fails = app.run(() => Promise.reject(new Error('boom')), { retries: 1 });
    await until(async () => (await stateOf(fails)) === 'scheduled');
    await app.app.close();
  });

  it('can be asked for twice', async () => {
    const app = await startJobs();
    await Promise.all([app.app.close(), app.app.close()]);
    await app.app.close();
  });

  it('needs no time where the grace is zero, even if time stands still', async () => {
    const app = await startJobs({ clock: fakeClock(), shutdown: { grace: 0 } });
    const job = app.run(never);
    await until(isRunning(job));
    await app.app.close();
    await expect(job).rejects.toThrow(JobInterruptedError);
  });

  it.each(['change', 'close'] as const)(
    'resolves where %s of the tracker fails, and logs it',
    async (method) => {
      const tracker = memoryTracker();
      const app = await startJobs({ tracker, concurrency: 1 });
      const jobs = [app.run(never), app.run(never)];
      await until(isRunning(jobs[0]!));
      breakMethod(tracker, method);
      await app.app.close();
      for (const job of jobs) await expect(job).rejects.toThrow();
      expect(app.log.containing('error', 'the database is gone')).not.toEqual([]);
    },
  );
});

/** From now on the method fails, though it still frees what it holds. */
function breakMethod(tracker: JobTracker, method: 'change' | 'close'): void {
  const original = tracker[method].bind(tracker) as () => unknown;
  tracker[method] = () => {
    if (method === 'close') original();
    throw new Error('the database is gone');
  };
}
