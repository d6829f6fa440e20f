import { afterEach, describe, expect, it } from '@jest/globals';
import { memoryTracker, print, setProgress, type JobTracker } from '../../src/index.js';
import { startJobs, type JobsApp } from '../support/any-job.js';
import { closeApps } from '../support/test-app.js';
import { until } from '../support/until.js';

afterEach(closeApps);

type Method = (...args: unknown[]) => unknown;
type Fails = (args: readonly unknown[]) => boolean;

const GONE = 'the database is gone';
const always: Fails = () => true;
const onlyOn =
  (type: string): Fails =>
  ([, change]) =>
    (change as { type: string }).type === type;

const HOW = {
  'at once': (): never => {
    throw new Error(GONE);
  },
  later: (): Promise<never> => Promise.reject(new Error(GONE)),
};

/** A tracker in memory one of whose methods can be broken, and repaired. */
function breakable(method: keyof JobTracker, how: keyof typeof HOW, fails: Fails) {
  const tracker = memoryTracker() as unknown as Record<string, Method>;
  const original = tracker[method]!.bind(tracker);
  const switched = { broken: false };
  tracker[method] = (...args) => (switched.broken && fails(args) ? HOW[how]() : original(...args));
  return Object.assign(switched, { tracker: tracker as unknown as JobTracker });
}

async function startBroken(
  method: keyof JobTracker,
  how: keyof typeof HOW,
  fails: Fails = always,
): Promise<{ app: JobsApp; repair: () => void }> {
  const broken = breakable(method, how, fails);
  const app = await startJobs({ tracker: broken.tracker, concurrency: 1 });
  broken.broken = true;
  return { app, repair: () => (broken.broken = false) };
}

const WAYS = Object.keys(HOW) as (keyof typeof HOW)[];

describe.each(WAYS)('A tracker that fails %s', (how) => {
  it.each(['append', 'setProgress'] as const)(
    'at %s harms no job: it completes, and the failure is logged with its id',
    async (method) => {
      const { app } = await startBroken(method, how);
      const work = (): string => {
        print('a');
        setProgress(1);
        return 'done';
      };
      const jobs = [app.run(work), app.run(work)];
      expect(await Promise.all(jobs)).toEqual(['done', 'done']);
      expect((await jobs[0]!.job()).state).toBe('completed');
      await until(() => app.log.containing('error', GONE).length === 2);
      for (const { id } of jobs) expect(app.log.containing('error', id)).toHaveLength(1);
    },
  );

  it.each(['start', 'complete'])(
    'at the change "%s" fails that job and tells whoever awaits it, and later jobs run',
    async (type) => {
      const { app, repair } = await startBroken('change', how, onlyOn(type));
      const job = app.run(() => 'done');
      await expect(job).rejects.toThrow(GONE);
      await until(() => app.log.containing('error', job.id).length > 0);
      repair();
      expect(await app.run(() => 'next')).toBe('next');
    },
  );

  it('at the change "complete", since the result is too large, has the job fail, and not run for ever', async () => {
    const { app } = await startBroken('change', how, onlyOn('complete'));
    const job = app.run(() => 'done');
    await expect(job).rejects.toThrow(GONE);
    expect(await job.job()).toMatchObject({ state: 'failed', error: { message: GONE } });
  });

  it('at the change "fail" does not hide what the job threw, and later jobs run', async () => {
    const { app } = await startBroken('change', how, onlyOn('fail'));
    const job = app.run(() => Promise.reject(new Error('boom')));
    await expect(job).rejects.toThrow('boom');
    expect(app.log.containing('error', GONE)).toHaveLength(1);
    expect(await app.run(() => 'next')).toBe('next');
  });

  it('at the change "enqueue" harms no delayed job', async () => {
    const { app } = await startBroken('change', how, onlyOn('enqueue'));
    expect(await app.run(() => 'done', { delay: 1 })).toBe('done');
  });

  it('at create refuses the call, logs it, and later jobs run', async () => {
    const { app, repair } = await startBroken('create', how);
    const refused = app.run(() => 'never');
    await expect(refused).rejects.toThrow(GONE);
    await expect(refused.accepted).rejects.toThrow(GONE);
    const unheard = app.run(() => 'never');
    await until(() => app.log.containing('error', unheard.id).length === 1);
    repair();
    expect(await app.run(() => 'next')).toBe('next');
    await app.service.drain();
  });

  it('at find tells whoever asks, and harms no job', async () => {
    const { app } = await startBroken('find', how);
    const job = app.run(() => 'done');
    await expect(job.job()).rejects.toThrow(GONE);
    await expect(app.service.getProgress(job.id)).rejects.toThrow(GONE);
    expect(await job).toBe('done');
  });
});
