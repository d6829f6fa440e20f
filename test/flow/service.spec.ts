import { afterEach, describe, expect, it } from '@jest/globals';
import { lastValueFrom, toArray } from 'rxjs';
import { print, setProgress, type JobFuture } from '../../src/index.js';
import { fakeClock } from '../../src/testing/index.js';
import { startJobs, type JobsApp } from '../support/any-job.js';
import { Latch } from '../support/latch.js';
import { closeApps } from '../support/test-app.js';
import { until } from '../support/until.js';

afterEach(closeApps);

const never = (): Promise<never> => new Promise(() => {});
const fails = (): Promise<never> => Promise.reject(new Error('boom'));

async function add(a: number, b: number): Promise<number> {
  print(`${a} + ${b}`);
  return a + b;
}

describe('perform()', () => {
  it('starts a job that runs the function with its arguments, and gives its id', async () => {
    const { service } = await startJobs();
    const id = service.perform(add, 1, 2);
    expect(id).toMatch(/^[0-9a-f-]{36}$/);
    expect(await service.getProgress(id)).toEqual([-1, null]);
    expect(await service.wait(id)).toBe(3);
    expect(await service.find(id)).toMatchObject({ name: 'add', state: 'completed', result: 3 });
    expect(await service.output(id)).toBe('1 + 2\n');
  });

  it('logs a failure, since nobody holds its future', async () => {
    const { service, log } = await startJobs();
    const id = service.perform(fails);
    await until(() => log.containing('error', id).length === 1);
    expect(await service.find(id)).toMatchObject({ state: 'failed' });
  });

  it('gives an id even where the job is refused, which is logged', async () => {
    const app = await startJobs({ concurrency: 1, queueLimit: 0 });
    app.service.perform(never);
    const refused = app.service.perform(add, 1, 2);
    await until(() => app.log.containing('error', refused).length === 1);
    expect(await app.service.find(refused)).toBeUndefined();
  });
});

describe('list()', () => {
  /** Eight jobs: completed, failed, cancelled, running, two queued, scheduled, and one of a retry. */
  async function startSome(): Promise<{ app: JobsApp; jobs: Record<string, JobFuture<unknown>> }> {
    const app = await startJobs({ concurrency: 1 });
    const completed = app.run(() => setProgress(50, 'half'));
    const failed = app.run(fails, { name: 'other' });
    const retried = app.run(fails, { retries: { limit: 1, delay: '1h' } });
    await Promise.allSettled([completed, failed]);
    await until(async () => (await retried.job()).state === 'scheduled');
    const running = app.run(never);
    await until(async () => (await running.job()).state === 'running');
    const cancelled = app.run(never);
    await cancelled.cancel();
    const queued = app.run(never);
    const also = app.run(never, { name: 'other' });
    const scheduled = app.run(never, { delay: '1h' });
    return {
      app,
      jobs: { completed, failed, retried, running, cancelled, queued, also, scheduled },
    };
  }

  it('gives every job that is kept, newest first, with name, state and times', async () => {
    const { app, jobs } = await startSome();
    const list = await app.service.list();
    const ids = Object.values(jobs).map(({ id }) => id);
    expect(list.map(({ id }) => id)).toEqual(ids.toReversed());
    expect(list.find(({ id }) => id === jobs.completed!.id)).toEqual({
      ...{ id: jobs.completed!.id, name: 'AnyJob.run', state: 'completed', attempt: 1 },
      progress: { value: 50, data: 'half' },
      ...Object.fromEntries(
        ['createdAt', 'startedAt', 'finishedAt'].map((time) => [
          time,
          expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
        ]),
      ),
    });
    const queued = list.find(({ id }) => id === jobs.queued!.id);
    expect(queued).toMatchObject({ attempt: 0, startedAt: null, finishedAt: null, progress: null });
    expect(JSON.parse(JSON.stringify(list))).toEqual(list);
  });

  it('gives those of a state, of a name, so many, before another', async () => {
    const { app, jobs } = await startSome();
    const { service } = app;
    const ids = async (query: Parameters<typeof service.list>[0]): Promise<string[]> =>
      (await service.list(query)).map(({ id }) => id);
    const of = (...names: string[]): string[] => names.map((name) => jobs[name]!.id);
    expect(await ids({ state: 'queued' })).toEqual(of('also', 'queued'));
    expect(await ids({ state: 'scheduled' })).toEqual(of('scheduled', 'retried'));
    expect(await ids({ state: 'cancelled' })).toEqual(of('cancelled'));
    expect(await ids({ name: 'other' })).toEqual(of('also', 'failed'));
    expect(await ids({ name: 'other', state: 'failed' })).toEqual(of('failed'));
    expect(await ids({ limit: 2 })).toEqual(of('scheduled', 'also'));
    expect(await ids({ limit: 1, before: jobs.running!.id })).toEqual(of('retried'));
    expect(await ids({ limit: 0 })).toEqual([]);
    expect(await ids({ name: 'unknown' })).toEqual([]);
  });

  it('gives a hundred at most, if nothing else is said, and page after page', async () => {
    const app = await startJobs();
    const jobs = Array.from({ length: 120 }, () => app.run(() => 1));
    await Promise.all(jobs);
    const first = await app.service.list();
    expect(first).toHaveLength(100);
    const second = await app.service.list({ before: first.at(-1)!.id });
    expect([...first, ...second].map(({ id }) => id)).toEqual(
      jobs.map(({ id }) => id).toReversed(),
    );
  });

  it('is counted by counts()', async () => {
    const { app } = await startSome();
    expect(await app.service.counts()).toEqual({
      ...{ scheduled: 2, queued: 2, running: 1, completed: 1, failed: 1, cancelled: 1 },
    });
  });

  it('shows nothing that a change of the caller could reach', async () => {
    const app = await startJobs();
    const job = app.run(() => ({ pages: [1] }));
    await job;
    const [read] = await app.service.list();
    (read!.result as { pages: number[] }).pages.push(2);
    read!.state = 'failed';
    expect(await job.job()).toMatchObject({ state: 'completed', result: { pages: [1] } });
  });
});

describe('wait()', () => {
  it('gives the result, before the end, after it, and to many', async () => {
    const { service } = await startJobs();
    const id = service.perform(add, 1, 2);
    expect(await Promise.all([service.wait(id), service.wait(id)])).toEqual([3, 3]);
    expect(await service.wait<number>(id)).toBe(3);
  });

  it('gives the error of one that failed or was cancelled', async () => {
    const app = await startJobs();
    const failed = app.service.perform(fails);
    await expect(app.service.wait(failed)).rejects.toThrow('boom');
    await expect(app.service.wait(failed)).rejects.toThrow('boom');
    const cancelled = app.service.perform(never);
    const waiting = app.service.wait(cancelled);
    await app.service.cancel(cancelled, 'enough');
    await expect(waiting).rejects.toThrow('enough');
    await expect(app.service.wait(cancelled)).rejects.toMatchObject({ name: 'JobCancelledError' });
  });
});

describe('follow()', () => {
  it('gives output, progress and the final state', async () => {
    const { service } = await startJobs();
    const events = await lastValueFrom(service.follow(service.perform(add, 1, 2)).pipe(toArray()));
    const output = events.find(({ type }) => type === 'output');
    expect(output).toEqual({ type: 'output', seq: 1, text: '1 + 2\n', stream: 'stdout' });
    expect(events.at(-1)).toMatchObject({ type: 'state', state: 'completed', job: { result: 3 } });
  });
});

describe('drain()', () => {
  it('waits until no job is left, delayed ones included', async () => {
    const clock = fakeClock();
    const app = await startJobs({ clock });
    let done = 0;
    app.service.perform(() => ++done);
    void app.run(() => ++done, { delay: '1h' });
    let drained = false;
    const draining = app.service.drain().then(() => (drained = true));
    await clock.advance(3_599_999);
    expect([done, drained]).toEqual([1, false]);
    await clock.advance(1);
    await draining;
    expect(done).toBe(2);
    await app.service.drain();
  });

  it('gives up when its time is over, and says how many are left', async () => {
    const clock = fakeClock();
    const app = await startJobs({ clock });
    const latch = new Latch();
    const job = app.run(() => latch.opened);
    const draining = app.service.drain({ timeout: '5s' });
    const outcome = draining.catch((error: unknown) => error);
    await clock.advance(5_000);
    expect(String(await outcome)).toMatch(/5000 ms with 1 jobs? left/);
    latch.open();
    await job;
    await app.service.drain({ timeout: '5s' });
  });

  it('does not give up because a new job has begun since all were done', async () => {
    const app = await startJobs();
    for (let moment = 0; moment < 20; moment++) {
      const first = app.run(() => 1);
      const draining = app.service.drain({ timeout: '1h' });
      await first;
      for (let tick = 0; tick < moment; tick++) await Promise.resolve();
      const next = app.run(never);
      await new Promise((resolve) => setImmediate(resolve));
      await next.cancel();
      await expect(draining).resolves.toBeUndefined();
    }
  });
});
