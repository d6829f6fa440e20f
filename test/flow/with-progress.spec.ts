import { afterEach, describe, expect, it } from '@jest/globals';
import {
  BackgroundOptionsError,
  currentJob,
  JobContextError,
  withProgress,
  type WithProgressOptions,
} from '../../src/index.js';
import { startJobs, type JobsApp } from '../support/any-job.js';
import { latches } from '../support/latch.js';
import { closeApps } from '../support/test-app.js';

afterEach(closeApps);

type Progress = [number, unknown] | null;

describe('withProgress()', () => {
  /** The progress before each item, and after the last. */
  async function walk<T>(
    items: (app: JobsApp) => Iterable<T> | AsyncIterable<T>,
    options?: WithProgressOptions,
  ): Promise<{ items: T[]; progress: Progress[] }> {
    const app = await startJobs();
    return app.run(async () => {
      const seen = { items: [] as T[], progress: [] as Progress[] };
      const look = async (): Promise<void> => {
        seen.progress.push(await app.service.getProgress(currentJob()!.id));
      };
      for await (const item of withProgress(items(app) as AsyncIterable<T>, options)) {
        seen.items.push(item);
        await look();
      }
      await look();
      return seen;
    });
  }
  const bare = (...values: number[]): Progress[] => values.map((value) => [value, null]);
  function* three(): Generator<string> {
    yield* ['a', 'b', 'c'];
  }
  async function* threeLater(): AsyncGenerator<string> {
    yield* ['a', 'b', 'c'];
  }

  it('reports the percentage that is done of an array', async () => {
    const { items, progress } = await walk(() => ['a', 'b', 'c', 'd']);
    expect(items).toEqual(['a', 'b', 'c', 'd']);
    expect(progress).toEqual(bare(0, 25, 50, 75, 100));
  });

  it.each([
    ['a set', new Set(['a', 'b'])],
    [
      'a map',
      new Map([
        ['a', 1],
        ['b', 2],
      ]),
    ],
    ['a text', 'ab'],
    ['a typed array', new Uint8Array(2)],
  ] as [string, Iterable<unknown>][])('knows the size of %s', async (_what, items) => {
    const seen = await walk(() => items);
    expect(seen.items).toEqual([...items]);
    expect(seen.progress).toEqual(bare(0, 50, 100));
  });

  it('reports a count where the total is not known', async () => {
    expect((await walk(three)).progress).toEqual(bare(0, 1, 2, 3));
    expect((await walk(threeLater)).progress).toEqual(bare(0, 1, 2, 3));
  });

  it('reports a percentage of the total it is given', async () => {
    expect((await walk(three, { total: 4 })).progress).toEqual(bare(0, 25, 50, 75));
    expect((await walk(threeLater, { total: 4 })).progress).toEqual(bare(0, 25, 50, 75));
  });

  it('never reports more than 100, and nothing to do is all done', async () => {
    expect((await walk(three, { total: 2 })).progress).toEqual(bare(0, 50, 100, 100));
    expect((await walk(() => [])).progress).toEqual(bare(100));
    expect((await walk(three, { total: 0 })).progress).toEqual(bare(100, 100, 100, 100));
  });

  it('puts a value beside the number, or what a function gives for the item just done', async () => {
    expect((await walk(() => ['a'], { data: 'pages' })).progress).toEqual([
      [0, 'pages'],
      [100, 'pages'],
    ]);
    const data = (item: unknown, index: number): unknown => ({ item, index });
    expect((await walk(() => ['a', 'b'], { data })).progress).toEqual([
      [0, null],
      [50, { item: 'a', index: 0 }],
      [100, { item: 'b', index: 1 }],
    ]);
  });

  it('closes what it walks through where the loop is left, and reports no further', async () => {
    const app = await startJobs();
    const closed: string[] = [];
    function* sync(): Generator<number> {
      try {
        yield* [1, 2, 3];
      } finally {
        closed.push('sync');
      }
    }
    async function* async(): AsyncGenerator<number> {
      try {
        yield* [1, 2, 3];
      } finally {
        closed.push('async');
      }
    }
    const job = app.run(async () => {
      for (const n of withProgress(sync(), { total: 3 })) if (n === 2) break;
      for await (const n of withProgress(async(), { total: 4 })) if (n === 2) break;
    });
    await job;
    expect(closed).toEqual(['sync', 'async']);
    expect((await job.job()).progress).toEqual({ value: 25, data: null });
  });

  it('hands on an error from either side', async () => {
    const app = await startJobs();
    function* fails(): Generator<number> {
      yield 1;
      throw new Error('source');
    }
    const job = app.run(() => [...withProgress(fails())]);
    await expect(job).rejects.toThrow('source');
    expect((await job.job()).progress).toEqual({ value: 1, data: null });
  });

  it('asks for one item at a time, and for none before it is walked through', async () => {
    const app = await startJobs();
    const log: string[] = [];
    function* source(): Generator<number> {
      for (const n of [1, 2]) {
        log.push(`asked ${n}`);
        yield n;
      }
    }
    await app.run(() => {
      const items = withProgress(source());
      log.push('begins');
      for (const n of items) log.push(`doing ${n}`);
    });
    expect(log).toEqual(['begins', 'asked 1', 'doing 1', 'asked 2', 'doing 2']);
  });

  it('reports to the job that called it, even where another walks through it', async () => {
    const app = await startJobs();
    const doors = latches(2);
    let items!: Iterable<number>;
    const owner = app.run(async () => {
      items = withProgress([1, 2]);
      doors[0]!.open();
      await doors[1]!.opened;
    });
    await doors[0]!.opened;
    const other = app.run(() => [...items]);
    await other;
    doors[1]!.open();
    await owner;
    expect((await owner.job()).progress).toEqual({ value: 100, data: null });
    expect((await other.job()).progress).toBeNull();
  });

  it('is refused outside a job', () => {
    expect(() => withProgress([1])).toThrow(JobContextError);
  });

  it.each([
    ['nothing', undefined, undefined, /no iterable/],
    ['a number', 5, undefined, /no iterable/],
    ['a plain object', { length: 2 }, undefined, /no iterable/],
    ['a negative total', [1], { total: -1 }, /total/],
    ['a total that is no number', [1], { total: NaN }, /total/],
    ['an option it does not know', [1], { totl: 1 }, /Did you mean "total"/],
    ['options that are none', [1], 5, /an object of options/],
  ])('is refused where it is given %s', async (_what, items, options, message) => {
    const app = await startJobs();
    const job = app.run(() =>
      withProgress(items as Iterable<number>, options as WithProgressOptions),
    );
    await expect(job).rejects.toThrow(BackgroundOptionsError);
    await expect(job).rejects.toThrow(message);
  });
});
