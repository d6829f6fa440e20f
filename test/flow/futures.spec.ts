import { Injectable } from '@nestjs/common';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Background, JobFuture, jobOf } from '../../src/index.js';
import { fakeClock } from '../../src/testing/index.js';
import { startJobs } from '../support/any-job.js';
import { latches } from '../support/latch.js';
import { closeApps } from '../support/test-app.js';
import { until } from '../support/until.js';

afterEach(closeApps);

@Injectable()
class Sleeper {
  runs = 0;

  @Background()
  async sleep(until: Promise<void>, result: number): Promise<number> {
    this.runs += 1;
    await until;
    return result;
  }
}

describe('Futures', () => {
  it('of jobs that run together give the right values, in whatever order they are awaited', async () => {
    const clock = fakeClock();
    const app = await startJobs({ clock, concurrency: 3 }, { providers: [Sleeper] });
    const sleeper = app.get(Sleeper);
    const fiveSeconds = (): Promise<void> =>
      new Promise((resolve) => void clock.after(5_000, resolve));
    const [a, b, c] = [1, 2, 3].map((n) => sleeper.sleep(fiveSeconds(), n));
    let all = false;
    const awaited = (async () => [await c, await b, await a])().finally(() => (all = true));
    await clock.advance(4_999);
    expect(all).toBe(false);
    await clock.advance(1);
    expect(await awaited).toEqual([3, 2, 1]);
    expect(sleeper.runs).toBe(3);
  });

  it('are promises: they can be raced, settled and chained, and what is derived is a plain promise', async () => {
    const app = await startJobs();
    const [first, second] = latches(2);
    const jobs = [
      app.run(() => first!.opened.then(() => 1)),
      app.run(() => second!.opened.then(() => 2)),
    ];
    second!.open();
    expect(await Promise.race(jobs)).toBe(2);
    first!.open();
    expect(await Promise.all(jobs)).toEqual([1, 2]);
    const derived = jobs[0]!.then((n) => n + 1);
    expect(derived).not.toBeInstanceOf(JobFuture);
    expect(await derived).toBe(2);
    let finished = false;
    await jobs[0]!.finally(() => (finished = true));
    expect(finished).toBe(true);
  });

  it('give the very object that the method returned, to each who awaits', async () => {
    const app = await startJobs();
    const result = { pages: [1], at: new Date(), get: () => 7 };
    const job = app.run(() => result);
    expect(await job).toBe(result);
    expect(await job).toBe(result);
    expect((await job.job()).result).toEqual({ pages: [1], at: result.at.toISOString() });
  });

  it('unwrap a promise of a promise, and the future of another job', async () => {
    const app = await startJobs();
    expect(await app.run(() => Promise.resolve(Promise.resolve(1)))).toBe(1);
    expect(await app.run(() => app.run(() => 'child'))).toBe('child');
  });

  it('know their job: id, name, state', async () => {
    const app = await startJobs({}, { providers: [Sleeper] });
    const [latch] = latches(1);
    const job = jobOf(app.get(Sleeper).sleep(latch!.opened, 7));
    expect(job.name).toBe('Sleeper.sleep');
    expect(await job.job()).toMatchObject({ id: job.id, name: job.name, attempt: 0 });
    await until(async () => (await job.job()).state === 'running');
    latch!.open();
    await job;
    expect(await job.job()).toMatchObject({ state: 'completed', result: 7 });
  });

  it('are accepted before they are done', async () => {
    const app = await startJobs();
    const [latch] = latches(1);
    const job = app.run(() => latch!.opened);
    await expect(job.accepted).resolves.toBeUndefined();
    expect(job.accepted).toBe(job.accepted);
    expect((await job.job()).finishedAt).toBeNull();
    latch!.open();
  });

  it('show their job as plain JSON', async () => {
    const app = await startJobs();
    const job = app.run(() => Promise.reject(new RangeError('boom')));
    await expect(job).rejects.toThrow();
    const read = await job.job();
    expect(JSON.parse(JSON.stringify(read))).toEqual(read);
    expect(Object.keys(read).toSorted()).toEqual([
      ...[
        'attempt',
        'createdAt',
        'error',
        'finishedAt',
        'id',
        'name',
        'progress',
        'startedAt',
        'state',
      ],
    ]);
    expect(Object.keys(read.error!).toSorted()).toEqual(['message', 'name', 'stack']);
  });

  it('of several calls are several jobs', async () => {
    const app = await startJobs({}, { providers: [Sleeper] });
    const sleeper = app.get(Sleeper);
    const jobs = [1, 2].map((n) => jobOf(sleeper.sleep(Promise.resolve(), n)));
    expect(jobs[0]!.id).not.toBe(jobs[1]!.id);
    expect(await Promise.all(jobs)).toEqual([1, 2]);
  });
});

describe('A call of a background method', () => {
  it('from code that knows nothing of it starts one job, and goes on at once', async () => {
    const app = await startJobs({}, { providers: [Sleeper] });
    const [latch] = latches(1);
    const promise = app.get(Sleeper).sleep(latch!.opened, 1);
    expect(await Promise.race([promise, Promise.resolve('at once')])).toBe('at once');
    latch!.open();
    await promise;
    expect(await app.service.list()).toHaveLength(1);
  });
});
