import { afterEach, describe, expect, it } from '@jest/globals';
import { lastValueFrom, toArray } from 'rxjs';
import { JobCancelledError, print, QueueFullError, setProgress } from '../../src/index.js';
import { fakeClock } from '../../src/testing/index.js';
import { startJobs, type JobsApp } from '../support/any-job.js';
import { Latch } from '../support/latch.js';
import { slowTracker, turns } from '../support/slow-tracker.js';
import { closeApps } from '../support/test-app.js';
import { until } from '../support/until.js';

afterEach(closeApps);

const never = (): Promise<never> => new Promise(() => {});
const start = (): Promise<JobsApp> => startJobs({ tracker: slowTracker(), concurrency: 1 });

/** What holds with a tracker in memory holds with one that takes its time. */
describe('Right after a call, though its job is still being stored,', () => {
  it('its progress is [-1, null]', async () => {
    const app = await start();
    expect(await app.service.getProgress(app.run(never).id)).toEqual([-1, null]);
  });

  it('the job can be read from its future and from the service', async () => {
    const app = await start();
    const job = app.run(never);
    expect(await job.job()).toMatchObject({ id: job.id, state: 'queued' });
    expect(await app.service.find(app.run(never).id)).toMatchObject({ state: 'queued' });
    expect(await app.service.output(app.run(never).id)).toBe('');
  });

  it('it can be followed', async () => {
    const app = await start();
    const job = app.run(() => print('x'));
    const events = await lastValueFrom(job.follow().pipe(toArray()));
    expect(events.map(({ type }) => type)).toContain('output');
    expect(events.at(-1)).toMatchObject({ type: 'state', state: 'completed' });
  });

  it('it can be waited for', async () => {
    const app = await start();
    expect(await app.service.wait(app.run(() => 'done').id)).toBe('done');
  });

  it('it can be cancelled', async () => {
    const app = await start();
    let runs = 0;
    const job = app.run(() => ++runs);
    expect(await job.cancel()).toBe(true);
    await expect(job).rejects.toThrow(JobCancelledError);
    await app.service.drain();
    expect(runs).toBe(0);
    expect((await job.job()).state).toBe('cancelled');
  });

  it('closing the application gives it up', async () => {
    const app = await start();
    const job = app.run(never);
    const closed = app.app.close();
    await expect(job).rejects.toThrow(/shutting down/);
    await closed;
  });

  it('a call that will be refused is heard of', async () => {
    const app = await startJobs({ tracker: slowTracker(), concurrency: 1, queueLimit: 0 });
    void app.run(never);
    const refused = app.run(never);
    await expect(refused.accepted).rejects.toThrow(QueueFullError);
    expect(await app.service.find(refused.id)).toBeUndefined();
  });
});

describe('With a tracker that takes its time', () => {
  it('a job can be cancelled at any moment, and its future says so', async () => {
    const app = await start();
    for (let moment = 0; moment < 30; moment++) {
      const job = app.run(never);
      await turns(moment);
      expect(await job.cancel()).toBe(true);
      await expect(job).rejects.toThrow(JobCancelledError);
      expect((await job.job()).state).toBe('cancelled');
    }
  });

  it('a job that is being retried can be cancelled at any moment', async () => {
    const app = await start();
    for (let moment = 0; moment < 60; moment++) {
      const job = app.run(() => Promise.reject(new Error('boom')), {
        retries: { limit: Infinity, delay: 0 },
      });
      await turns(moment);
      expect(await job.cancel()).toBe(true);
      await expect(job).rejects.toThrow(JobCancelledError);
      expect((await job.job()).state).toBe('cancelled');
    }
  });

  it('a delay that is over before the job is stored is no reason to lose the job', async () => {
    const app = await start();
    expect(await app.run(() => 'done', { delay: 1 })).toBe('done');
  });

  it('a retry without delay runs', async () => {
    const app = await start();
    let runs = 0;
    const fail = (): number => {
      if (++runs < 3) throw new Error('boom');
      return runs;
    };
    expect(await app.run(fail, { retries: { limit: 2, delay: 0 } })).toBe(3);
  });

  it('output and progress are stored in order, and before the end', async () => {
    const clock = fakeClock();
    const app = await startJobs({ tracker: slowTracker(), clock });
    const latch = new Latch();
    const job = app.run(async () => {
      setProgress(1);
      print('a');
      setProgress(2);
      await latch.opened;
      print('b');
    });
    await until(async () => (await app.service.getProgress(job.id))?.[0] === 2);
    latch.open();
    await job;
    expect(await app.service.output(job.id)).toBe('a\nb\n');
  });
});
