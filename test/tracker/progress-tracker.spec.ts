import { afterEach, describe, expect, it } from '@jest/globals';
import {
  BackgroundOptionsError,
  fromProgressTracker,
  setProgress,
  type ProgressTracker,
} from '../../src/index.js';
import { trackerConformance } from '../../src/testing/index.js';
import { startJobs, type JobsApp } from '../support/any-job.js';
import { Latch } from '../support/latch.js';
import { closeApps } from '../support/test-app.js';
import { until } from '../support/until.js';

afterEach(closeApps);

type Call = readonly [method: string, id: string, ...args: unknown[]];

/** Notes what it is told, and answers from it as asyncjob's trackers do. */
function noting(answer: (work: () => unknown) => unknown = (work) => work()) {
  const calls: Call[] = [];
  const reports = new Map<string, [number, unknown]>();
  const note = (call: Call, work: () => unknown): unknown =>
    answer(() => {
      calls.push(call);
      return work();
    });
  const tracker: ProgressTracker = {
    track: (id) => note(['track', id], () => reports.set(id, [-1, null])),
    setProgress: (id, value, data) =>
      note(['setProgress', id, value, data], () => reports.set(id, [value, data])),
    remove: (id) => note(['remove', id], () => reports.delete(id)),
    getProgress: (id) => answer(() => reports.get(id) ?? null) as [number, unknown] | null,
  };
  return { tracker, calls, reports };
}

const WAYS = {
  'that answers at once': noting,
  'that takes its time': () =>
    noting(async (work) => {
      await new Promise((resolve) => setImmediate(resolve));
      return work();
    }),
};

describe.each(Object.entries(WAYS))('A progress tracker %s', (_how, make) => {
  const start = (tracker: ProgressTracker): Promise<JobsApp> =>
    startJobs({ tracker: fromProgressTracker(tracker), concurrency: 2 });

  it('is told of each job: that it is there, what it reports, that it is over', async () => {
    const { tracker, calls } = make();
    const app = await start(tracker);
    const work = (by: number) => async (): Promise<void> => {
      setProgress(by, { by });
      await new Promise((resolve) => setImmediate(resolve));
      setProgress(2 * by);
    };
    const jobs = [app.run(work(1)), app.run(work(2))];
    await Promise.all(jobs);
    await until(() => calls.filter(([method]) => method === 'remove').length === 2);
    for (const [place, { id }] of jobs.entries()) {
      const by = place + 1;
      expect(calls.filter(([, of]) => of === id)).toEqual([
        ['track', id],
        ['setProgress', id, by, { by }],
        ['setProgress', id, 2 * by, null],
        ['remove', id],
      ]);
    }
  });

  it.each([
    [
      'fails',
      (): never => {
        throw new Error('boom');
      },
    ],
    ['is cancelled', undefined],
  ] as const)('is told of the end of a job that %s', async (_what, fails) => {
    const { tracker, calls } = make();
    const app = await start(tracker);
    const job = fails ? app.run(fails) : app.run(() => undefined, { delay: '1h' });
    job.catch(() => undefined);
    await job.accepted;
    if (!fails) await job.cancel();
    await until(() => calls.at(-1)?.[0] === 'remove');
    expect(calls).toEqual([
      ['track', job.id],
      ['remove', job.id],
    ]);
  });

  it('is asked for the progress of jobs of other processes, and of no others', async () => {
    const { tracker, reports } = make();
    const app = await start(tracker);
    const latch = new Latch();
    const job = app.run(() => latch.opened);
    reports.set('theirs', [40, { theirs: true }]);
    expect(await app.service.getProgress('theirs')).toEqual([40, { theirs: true }]);
    expect(await app.service.getProgress('nobody’s')).toBeNull();
    expect(await app.service.getProgress(job.id)).toEqual([-1, null]);
    latch.open();
    await job;
    reports.set(job.id, [1, null]);
    expect(await app.service.getProgress(job.id)).toBeNull();
  });
});

const FAULTS: Record<string, () => unknown> = {
  throw: () => {
    throw new Error('the store is gone');
  },
  reject: () => Promise.reject(new Error('the store is gone')),
  'never answer': () => new Promise(() => undefined),
};

describe.each(Object.entries(FAULTS))('A progress tracker whose methods %s', (kind, fault) => {
  it('hurts no job, and is logged once for each method', async () => {
    const tracker = { track: fault, remove: fault, setProgress: fault, getProgress: fault };
    const app = await startJobs({ tracker: fromProgressTracker(tracker as ProgressTracker) });
    const work = (): string => {
      setProgress(1);
      return 'done';
    };
    for (let count = 0; count < 3; count++) expect(await app.run(work)).toBe('done');
    expect(await app.service.getProgress('theirs')).toBeNull();
    const logged = (method: string): number =>
      app.log.containing('error', `${method}() of the progress tracker failed`).length;
    // Where nothing moves, reports are left out.
    const methods = [
      'track',
      'remove',
      'getProgress',
      ...(kind === 'never answer' ? [] : ['setProgress']),
    ];
    await until(() => methods.every((method) => logged(method) === 1));
    await closeApps();
    for (const method of methods) expect(logged(method)).toBe(1);
  });
});

describe('A progress tracker that is none', () => {
  it.each(['track', 'remove', 'setProgress', 'getProgress'] as const)(
    'is refused, and the missing method named: %s',
    (method) => {
      const tracker = { ...noting().tracker, [method]: undefined };
      expect(() => fromProgressTracker(tracker)).toThrow(BackgroundOptionsError);
      expect(() => fromProgressTracker(tracker)).toThrow(`has no method ${method}()`);
    },
  );

  it('is refused where it is no object', () => {
    for (const none of [undefined, null, 7, 'redis']) {
      expect(() => fromProgressTracker(none as never)).toThrow('has no method track()');
    }
  });

  it('is asked for [value, data], and anything else is nothing', async () => {
    const getProgress = (): never => 'half' as never;
    const app = await startJobs({
      tracker: fromProgressTracker({ ...noting().tracker, getProgress }),
    });
    expect(await app.service.getProgress('theirs')).toBeNull();
    expect(app.log.containing('error', 'neither [value, data] nor null')).toHaveLength(1);
  });
});

describe('fromProgressTracker()', () => {
  trackerConformance(
    { describe, it },
    {
      async open(settings) {
        const tracker = fromProgressTracker(noting().tracker);
        await tracker.open(settings);
        return tracker;
      },
    },
  );
});
