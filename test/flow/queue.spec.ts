import { describe, expect, it } from '@jest/globals';
import { QueueFullError, type JobFuture } from '../../src/index.js';
import { fakeClock } from '../../src/testing/index.js';
import { startJobs, type JobsApp } from '../support/any-job.js';
import { Latch, latches } from '../support/latch.js';
import { failOnLeaks } from '../support/leaks.js';
import { until } from '../support/until.js';

failOnLeaks();

const stateOf = async (job: JobFuture<unknown>): Promise<string> => (await job.job()).state;

/** Takes the only slot, until the latch is opened. */
async function block(app: JobsApp): Promise<Latch> {
  const latch = new Latch();
  const job = app.run(() => latch.opened);
  await until(async () => (await stateOf(job)) === 'running');
  return latch;
}

describe('The queue', () => {
  it('runs jobs one at a time, in the order they came, where concurrency is 1', async () => {
    const app = await startJobs({ concurrency: 1 });
    const doors = latches(5);
    const log: string[] = [];
    const jobs = doors.map((door, index) =>
      app.run(async () => {
        log.push(`${index} begins`);
        await door.opened;
        log.push(`${index} ends`);
      }),
    );
    doors.toReversed().forEach((door) => door.open());
    await Promise.all(jobs);
    expect(log).toEqual([0, 1, 2, 3, 4].flatMap((n) => [`${n} begins`, `${n} ends`]));
  });

  it('never runs more jobs at once than concurrency says', async () => {
    const app = await startJobs({ concurrency: 3 });
    let running = 0;
    let most = 0;
    const work = async (): Promise<void> => {
      most = Math.max(most, ++running);
      await new Promise((resolve) => setImmediate(resolve));
      running -= 1;
    };
    await Promise.all(Array.from({ length: 20 }, () => app.run(work)));
    expect(most).toBe(3);
  });

  it('starts jobs of higher priority first, and equal ones in the order they came', async () => {
    const app = await startJobs({ concurrency: 1 });
    const latch = await block(app);
    const order: string[] = [];
    const jobs = [
      ...[app.run(() => order.push('a0')), app.run(() => order.push('a-1'), { priority: -1 })],
      ...[app.run(() => order.push('a5'), { priority: 5 }), app.run(() => order.push('b0'))],
      ...[app.run(() => order.push('b5'), { priority: 5 })],
    ];
    latch.open();
    await Promise.all(jobs);
    expect(order).toEqual(['a5', 'b5', 'a0', 'b0', 'a-1']);
  });

  it('skips a job that was cancelled while it waited', async () => {
    const app = await startJobs({ concurrency: 1 });
    const latch = await block(app);
    const order: number[] = [];
    const [first, second, third] = [1, 2, 3].map((n) => app.run(() => order.push(n)));
    expect(await second!.cancel()).toBe(true);
    latch.open();
    await Promise.all([first, third]);
    expect(order).toEqual([1, 3]);
  });

  it('starts no job before its caller has gone on', async () => {
    const app = await startJobs();
    const log: string[] = [];
    const job = app.run(() => log.push('job'));
    log.push('caller');
    await Promise.resolve();
    log.push('caller again');
    await job;
    expect(log).toEqual(['caller', 'caller again', 'job']);
  });
});

describe('A queue with a limit', () => {
  it('refuses the call that is one too many, and the others finish', async () => {
    const app = await startJobs({ concurrency: 1, queueLimit: 2 });
    const latch = await block(app);
    const [second, third, fourth] = [2, 3, 4].map((n) => app.run(() => n));
    await expect(fourth).rejects.toThrow(QueueFullError);
    await expect(fourth!.accepted).rejects.toThrow(/queueLimit.*concurrency/);
    latch.open();
    expect(await Promise.all([second, third])).toEqual([2, 3]);
  });

  it('has a free slot for whoever has awaited the end of a job', async () => {
    const app = await startJobs({ concurrency: 1, queueLimit: 0 });
    for (let round = 0; round < 10; round++) {
      expect(await app.run(() => round)).toBe(round);
      await expect(app.run(() => Promise.reject(new Error('boom')))).rejects.toThrow('boom');
      let next: Promise<unknown> | undefined;
      await app.run(() => round).then(() => void (next = app.run(() => round + 1)));
      expect(await next).toBe(round + 1);
    }
  });

  it('counts from the first call, even if none has started yet', async () => {
    const app = await startJobs({ concurrency: 1, queueLimit: 2 });
    const jobs = [1, 2, 3, 4].map((n) => app.run(() => n));
    const ends = await Promise.allSettled(jobs);
    expect(ends.map(({ status }) => status)).toEqual([
      ...['fulfilled', 'fulfilled', 'fulfilled', 'rejected'],
    ]);
  });

  it('keeps no trace of a refused call, and logs it once where nobody would hear of it', async () => {
    const app = await startJobs({ concurrency: 1, queueLimit: 0 });
    const latch = await block(app);
    const { id } = app.run(() => 'refused');
    await until(() => app.log.containing('error', id).length > 0);
    expect(await app.service.find(id)).toBeUndefined();
    expect(await app.service.getProgress(id)).toBeNull();
    expect(app.log.containing('error', id)).toHaveLength(1);
    latch.open();
    await app.service.drain();
  });

  it('does not count a place that was given up', async () => {
    const app = await startJobs({ concurrency: 1, queueLimit: 1 });
    const latch = await block(app);
    await app.run(() => 'waits').cancel();
    const next = app.run(() => 'next');
    latch.open();
    expect(await next).toBe('next');
  });

  it('counts delayed jobs too', async () => {
    const app = await startJobs({ concurrency: 1, queueLimit: 1 });
    const latch = await block(app);
    void app.run(() => 'later', { delay: '1h' });
    await expect(app.run(() => 'now')).rejects.toThrow(QueueFullError);
    latch.open();
  });
});

describe('A delayed job', () => {
  it('is scheduled until its time has come', async () => {
    const clock = fakeClock();
    const app = await startJobs({ clock });
    let runs = 0;
    const job = app.run(() => ++runs, { delay: '5m' });
    await clock.advance(299_999);
    expect(await stateOf(job)).toBe('scheduled');
    expect(await app.service.getProgress(job.id)).toEqual([-1, null]);
    expect(runs).toBe(0);
    await clock.advance(1);
    expect(await job).toBe(1);
    expect((await job.job()).startedAt).toBe(new Date(clock.now()).toISOString());
  });

  it('waits for a slot like any other when its time has come', async () => {
    const clock = fakeClock();
    const app = await startJobs({ clock, concurrency: 1 });
    const latch = await block(app);
    const job = app.run(() => 'done', { delay: '1s' });
    await clock.advance(1_000);
    expect(await stateOf(job)).toBe('queued');
    latch.open();
    expect(await job).toBe('done');
  });

  it('does not keep others waiting', async () => {
    const app = await startJobs({ concurrency: 1 });
    void app.run(() => 'later', { delay: '1h' });
    expect(await app.run(() => 'now')).toBe('now');
  });

  it('may wait longer than a timer of Node can', async () => {
    const app = await startJobs();
    const job = app.run(() => 'in two months', { delay: '60d' });
    await app.run(() => 'soon', { delay: 5 });
    expect(await stateOf(job)).toBe('scheduled');
  });

  it('never runs where it is cancelled before', async () => {
    const clock = fakeClock();
    const app = await startJobs({ clock });
    let runs = 0;
    const job = app.run(() => ++runs, { delay: '1s' });
    expect(await job.cancel()).toBe(true);
    await clock.advance(10_000);
    expect(runs).toBe(0);
    expect(await stateOf(job)).toBe('cancelled');
  });
});
