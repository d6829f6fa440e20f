import type { JobContext } from './job-context.js';
import { jobFor } from './in-job.js';
import { anything, checkOptions } from '../errors/check-options.js';
import { BackgroundOptionsError } from '../errors/setup.errors.js';

export interface WithProgressOptions {
  /** How many items there are; known by itself of arrays, maps, sets and the like. */
  total?: number;
  /** What goes beside the number: a value, or a function `(item, index) => value` of the item just done. */
  data?: unknown;
}

const OPTIONS = {
  total: {
    expected: 'the number of items',
    accepts: (value: unknown) => Number.isFinite(value) && (value as number) >= 0,
  },
  data: anything,
};

type DataOf = (item: unknown, index: number) => unknown;
type Report<T> = (done: number, item?: T) => void;

/**
 * The same items, and the running job's progress as they are done: a percentage where the total is known, else
 * a count. An item counts as done when the next one is asked for.
 * @example for (const page of withProgress(report.pages)) await render(page);
 * @throws JobContextError outside a job; BackgroundOptionsError for a `total` that is no count, or no iterable.
 */
export function withProgress<T>(items: Iterable<T>, options?: WithProgressOptions): Iterable<T>;
export function withProgress<T>(
  items: AsyncIterable<T>,
  options?: WithProgressOptions,
): AsyncIterable<T>;
export function withProgress<T>(
  items: Iterable<T> | AsyncIterable<T>,
  options: WithProgressOptions = {},
): Iterable<T> | AsyncIterable<T> {
  const job = jobFor('withProgress');
  checkOptions('withProgress()', options, OPTIONS);
  const report = reporter(job, options.total ?? sizeOf(items), options.data);
  if (isAsyncIterable(items)) return eachAsync(items, report);
  if (isIterable(items)) return each(items, report);
  throw new BackgroundOptionsError(
    'items',
    items,
    'withProgress() was given no iterable. Give it an array, a generator, or an async iterable.',
  );
}

function* each<T>(items: Iterable<T>, report: Report<T>): Generator<T> {
  let done = 0;
  report(done);
  for (const item of items) {
    yield item;
    report(++done, item);
  }
}

async function* eachAsync<T>(items: AsyncIterable<T>, report: Report<T>): AsyncGenerator<T> {
  let done = 0;
  report(done);
  for await (const item of items) {
    yield item;
    report(++done, item);
  }
}

function reporter<T>(
  job: JobContext,
  total: number | undefined,
  data: WithProgressOptions['data'],
): Report<T> {
  return (done, item) => {
    const value = total === undefined ? done : percentage(done, total);
    job.setProgress(value, typeof data === 'function' ? dataOf(data as DataOf, done, item) : data);
  };
}

function dataOf(data: DataOf, done: number, item: unknown): unknown {
  return done === 0 ? undefined : data(item, done - 1);
}

function percentage(done: number, total: number): number {
  return total === 0 ? 100 : Math.min(100, (100 * done) / total);
}

function sizeOf(items: unknown): number | undefined {
  const { length, size } = (items ?? {}) as { length?: unknown; size?: unknown };
  if (typeof length === 'number') return length;
  return typeof size === 'number' ? size : undefined;
}

function isAsyncIterable<T>(items: object): items is AsyncIterable<T> {
  return items != null && Symbol.asyncIterator in Object(items);
}

function isIterable<T>(items: object): items is Iterable<T> {
  return items != null && Symbol.iterator in Object(items);
}
