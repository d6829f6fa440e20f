import { describe, expect, it, afterEach } from '@jest/globals';
import { AsyncLocalStorage } from 'node:async_hooks';
import { inspect, types } from 'node:util';
import { currentJob, JobFuture, memoryTracker } from '../../src/index.js';
import { isJobId, JobIds } from '../../src/job/job-id.js';
import { startJobs } from '../support/any-job.js';
import { Latch } from '../support/latch.js';
import { closeApps } from '../support/test-app.js';
import { until } from '../support/until.js';

afterEach(closeApps);

const nothing = (): void => {};

describe("A job's id", () => {
  it('tells the order of the calls, whenever and in whatever order it is read', async () => {
    const app = await startJobs();
    const jobs = Array.from({ length: 500 }, () => app.run(nothing));
    await Promise.all(jobs.slice(0, 250));
    const ids = jobs.toReversed().map(({ id }) => id);
    expect(ids.every(isJobId)).toBe(true);
    expect(new Set(ids).size).toBe(500);
    expect(ids.toSorted().reverse()).toEqual(ids);
    await Promise.all(jobs);
    expect(jobs.map(({ id }) => id)).toEqual(ids.toReversed());
  });

  it('is the same in the list, in the job, and on its future, whoever reads it first', async () => {
    const app = await startJobs();
    const inside = new Set<string>();
    const jobs = Array.from({ length: 3 }, () => app.run(() => inside.add(currentJob()!.id)));
    const unread = app.run(nothing);
    await Promise.all([...jobs, unread]);
    const listed = (await app.service.list()).map(({ id }) => id);
    expect(listed).toEqual([unread, ...jobs.toReversed()].map(({ id }) => id));
    expect(jobs.every(({ id }) => inside.has(id))).toBe(true);
  });

  it('finds the job from when it was read: before it runs, while it runs, and after its end', async () => {
    const app = await startJobs({ concurrency: 1 });
    const [began, latch] = [new Latch(), new Latch()];
    const running = app.run(() => (began.open(), latch.opened));
    const waiting = app.run(nothing);
    const cancelled = app.run(nothing);
    await began.opened;
    expect((await running.job()).state).toBe('running');
    expect(await app.service.find(waiting.id)).toMatchObject({ state: 'queued' });
    expect(await cancelled.cancel()).toBe(true);
    latch.open();
    await Promise.allSettled([running, waiting, cancelled]);
    const ended = app.run(nothing);
    await ended;
    expect(await app.service.find(ended.id)).toMatchObject({ state: 'completed' });
    expect((await cancelled.job()).state).toBe('cancelled');
  });

  it('leads to the jobs that it started, but for those that are no longer kept', async () => {
    const app = await startJobs({ retention: { count: 5 } });
    const parent = app.run(async () => {
      for (let count = 0; count < 200; count++) await app.run(nothing);
    });
    await parent;
    const children = await app.service.list({ limit: 10 });
    expect(children.every(({ id, parentId }) => id === parent.id || parentId === parent.id)).toBe(
      true,
    );
    expect(children).toHaveLength(5);
  });

  it('comes in order from a clock that goes back', () => {
    const ids = new JobIds();
    const taken = [5, 3, 9, 4, 9].map((now) => {
      const moment = ids.momentOf(now);
      return { moment, place: moment.take() };
    });
    const made = taken.toReversed().map(({ moment, place }) => ids.idAt(moment, place));
    expect(made.toSorted().reverse()).toEqual(made);
    expect(taken.map(({ moment }) => moment.msecs)).toEqual([5, 5, 9, 9, 9]);
  });
});

describe('A tracker with something in front of its methods', () => {
  it('hears of every job', async () => {
    const tracker = memoryTracker();
    const heard: string[] = [];
    const { change } = tracker;
    tracker.change = (id, what, attempt) => {
      heard.push(`${what.type} ${id}`);
      return change.call(tracker, id, what, attempt);
    };
    const app = await startJobs({ tracker });
    const job = app.run(nothing);
    await job;
    expect(heard).toEqual([`start ${job.id}`, `complete ${job.id}`]);
  });

  it('is asked outside of the scope of the job, and in the context of its caller', async () => {
    const context = new AsyncLocalStorage<string>();
    const tracker = memoryTracker();
    const heard: unknown[] = [];
    const { change } = tracker;
    tracker.change = (id, what, attempt) => {
      heard.push([what.type, currentJob()?.id, context.getStore()]);
      return change.call(tracker, id, what, attempt);
    };
    const app = await startJobs({ tracker, concurrency: 1 });
    const call = (): JobFuture<unknown> =>
      context.run('caller', () => app.run(async () => context.enterWith('method')));
    await Promise.all([call(), call()]);
    const expected = ['start', 'complete'].map((type) => [type, undefined, 'caller']);
    expect(heard).toEqual([...expected, ...expected]);
  });
});

describe('A future that is awaited outside of jobs', () => {
  it('is a promise in every respect, and still a future', async () => {
    const app = await startJobs();
    const job = app.run(nothing);
    expect(types.isPromise(job)).toBe(true);
    expect(job).toBeInstanceOf(JobFuture);
    expect(job).toBeInstanceOf(Promise);
    expect(job.constructor).toBe(JobFuture);
    expect(job.then()).not.toBeInstanceOf(JobFuture);
    expect(inspect(job)).toContain('pending');
    await job;
  });

  it('is heard of, alone or with others: its failure is not logged', async () => {
    const app = await startJobs();
    const boom = (): Promise<never> => Promise.reject(new Error('boom'));
    const [awaited, together, alone] = [app.run(boom), app.run(boom), app.run(boom)];
    const waiting = async (): Promise<unknown> => await awaited;
    const waits = [waiting(), Promise.all([together])];
    for (const wait of waits) await expect(wait).rejects.toThrow('boom');
    await until(() => app.log.containing('error', alone.id).length === 1);
    expect(app.log.containing('error', awaited.id)).toEqual([]);
    expect(app.log.containing('error', together.id)).toEqual([]);
  });
});

describe('A job that is cancelled', () => {
  it('may print as its signal is aborted, and its future hears of it after that', async () => {
    const app = await startJobs();
    const began = new Latch();
    const order: string[] = [];
    const job = app.run(async () => {
      const { signal, print } = currentJob()!;
      signal.addEventListener('abort', () => {
        order.push('signal');
        print('aborted');
      });
      began.open();
      await new Promise(nothing);
    });
    void job.catch(() => order.push('future'));
    await began.opened;
    await job.cancel();
    await until(() => order.length === 2);
    expect(order).toEqual(['signal', 'future']);
    expect(await app.service.output(job.id)).toBe('aborted\n');
  });
});
