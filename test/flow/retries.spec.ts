import { describe, expect, it } from '@jest/globals';
import {
  currentJob,
  print,
  setProgress,
  type BackgroundOptions,
  type JobFuture,
} from '../../src/index.js';
import { fakeClock } from '../../src/testing/index.js';
import { startJobs } from '../support/any-job.js';
import { failOnLeaks } from '../support/leaks.js';
import { until } from '../support/until.js';

failOnLeaks();

const stateOf = async (job: JobFuture<unknown>): Promise<string> => (await job.job()).state;

/** When each attempt began, in ms from the first, until the job was over. */
async function attemptTimes(retries: BackgroundOptions['retries']): Promise<number[]> {
  const clock = fakeClock();
  const app = await startJobs({ clock });
  const times: number[] = [];
  const began = clock.now();
  const fail = (): never => {
    times.push(clock.now() - began);
    throw new Error('boom');
  };
  const job = app.run(fail, { retries });
  await clock.advance(3_600_000);
  await expect(job).rejects.toThrow('boom');
  return times;
}

describe('A job that fails', () => {
  it('ran exactly once, where no retry is asked for', async () => {
    expect(await attemptTimes(undefined)).toEqual([0]);
  });

  it('runs once and so many times again as it says, with the delay doubled each time', async () => {
    expect(await attemptTimes(3)).toEqual([0, 1_000, 3_000, 7_000]);
  });

  it('runs again after a fixed delay', async () => {
    const retries = { limit: 2, delay: '10s', backoff: 'fixed' } as const;
    expect(await attemptTimes(retries)).toEqual([0, 10_000, 20_000]);
  });

  it('runs again at once, where the delay is zero', async () => {
    expect(await attemptTimes({ limit: 2, delay: 0 })).toEqual([0, 0, 0]);
  });

  it('runs again up to the jitter sooner, never later', async () => {
    const times = await attemptTimes({ limit: 1, delay: '10s', jitter: 0.5 });
    expect(times).toHaveLength(2);
    expect(times[1]).toBeGreaterThanOrEqual(5_000);
    expect(times[1]).toBeLessThanOrEqual(10_000);
  });

  it('takes the retries of the application where it says nothing itself', async () => {
    const clock = fakeClock();
    const app = await startJobs({ clock, retries: 1 });
    let runs = 0;
    const work = (): Promise<never> => Promise.reject(new Error(`boom ${++runs}`));
    const jobs = [app.run(work), app.run(work, { retries: 0 })];
    await clock.advance(60_000);
    await expect(Promise.any(jobs)).rejects.toThrow();
    expect(runs).toBe(3);
  });

  it('gives the result of the attempt that goes well, and is logged for none that did not', async () => {
    const clock = fakeClock();
    const app = await startJobs({ clock });
    const job = app.run(
      () => {
        const { attempt } = currentJob()!;
        print(`attempt ${attempt}`);
        if (attempt < 3) throw new Error(`boom ${attempt}`);
        return attempt;
      },
      { retries: 5 },
    );
    await clock.advance(60_000);
    expect(await job).toBe(3);
    const kept = await job.job();
    expect(kept).toMatchObject({ state: 'completed', attempt: 3, result: 3 });
    expect(kept.error).toBeUndefined();
    expect(await app.service.output(job.id)).toBe('attempt 1\nattempt 2\nattempt 3\n');
    expect(app.log.containing('error', job.id)).toEqual([]);
  });

  it('shows between its attempts why the last one failed, and is not over', async () => {
    const clock = fakeClock();
    const app = await startJobs({ clock });
    const job = app.run(() => Promise.reject(new Error('boom')), { retries: 1 });
    await clock.advance(0);
    const kept = await job.job();
    expect(kept).toMatchObject({ state: 'scheduled', attempt: 1, error: { message: 'boom' } });
    expect(kept.finishedAt).toBeNull();
    expect(await job.cancel()).toBe(true);
    await clock.advance(60_000);
    expect(await job.job()).toMatchObject({ state: 'cancelled', attempt: 1 });
  });

  it('begins each attempt without the progress of the one before', async () => {
    const clock = fakeClock();
    const app = await startJobs({ clock });
    const seen: unknown[] = [];
    const work = async (): Promise<void> => {
      seen.push(await app.service.getProgress(currentJob()!.id));
      setProgress(50);
      throw new Error('boom');
    };
    void app.run(work, { retries: 1 });
    await clock.advance(60_000);
    expect(seen).toEqual([
      [-1, null],
      [-1, null],
    ]);
  });

  it('does not let an attempt that is over print or report into the next', async () => {
    const clock = fakeClock();
    const app = await startJobs({ clock });
    const late: (() => void)[] = [];
    const never = new Promise<void>(() => {});
    const job = app.run(
      () => {
        const { attempt, ...job } = currentJob()!;
        late.push(() => {
          job.print(`late ${attempt}`);
          job.setProgress(attempt);
        });
        if (attempt === 1) throw new Error('boom');
        return never;
      },
      { retries: 1 },
    );
    await clock.advance(60_000);
    await until(async () => (await job.job()).attempt === 2);
    late[0]!();
    expect(await app.service.output(job.id)).toBe('');
    expect(await app.service.getProgress(job.id)).toEqual([-1, null]);
    late[1]!();
    expect(await app.service.output(job.id)).toBe('late 2\n');
    expect(await stateOf(job)).toBe('running');
  });

  it('gives its slot to others while it waits for its retry', async () => {
    const clock = fakeClock();
    const app = await startJobs({ clock, concurrency: 1 });
    const job = app.run(() => Promise.reject(new Error('boom')), { retries: 1 });
    expect(await app.run(() => 'other')).toBe('other');
    expect(await stateOf(job)).toBe('scheduled');
  });
});
