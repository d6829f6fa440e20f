import { currentJobScope, currentScope, runInTransaction } from '../context/scope.js';
import { aCount, aDuration, checkOptions, type OptionRules } from '../errors/check-options.js';
import { BackgroundOptionsError } from '../errors/setup.errors.js';
import { TimedQuerySnapshotError, TimedQueryTimeoutError } from '../errors/transaction.errors.js';
import { systemClock } from '../job/clock.js';
import { parseDuration, type Duration } from '../job/duration.js';
import { currentTransaction } from './ambient-transaction.js';
import { ProbeTransaction } from './probe-transaction.js';

/** How long `timedQuery` looks. */
export interface TimedQueryOptions {
  /** How many times after the first; with it (default 10) or `interval`, tries are evenly spaced. */
  retries?: number;
  /** Between two tries; default `'6s'`. */
  interval?: Duration;
  /** In all; default `'60s'` where neither `retries` nor `interval` is given. */
  timeout?: Duration;
  /** Gives `null` in the end, in the place of `TimedQueryTimeoutError`. */
  orNull?: boolean;
}

/** What is used of TypeORM's `SelectQueryBuilder`. */
export interface QueryBuilderLike<T> {
  getOne(): Promise<T | null>;
}

type Query<T> = () => Promise<T | null | undefined>;
type OrNull = TimedQueryOptions & { orNull: true };

const RULES: OptionRules = {
  retries: aCount(0),
  interval: aDuration,
  timeout: aDuration,
  orNull: { expected: 'true or false', accepts: (value) => typeof value === 'boolean' },
};

/** Waits grow from here … */
const SHORTEST_WAIT = 10;
/** … to here, where no interval is asked for. */
const LONGEST_WAIT = 1_000;
/** By so much each: most of what is waited for comes soon, and is to be had soon then. */
const GROWTH = 1.25;

/**
 * Runs a query until it finds something: a row that another transaction has written and not yet committed, say. The
 * first try is made at once; found is what is not `null`, `undefined` or an empty array. Every try sees what is
 * committed by then, and what is found belongs to the job's transaction. (asyncjob's `asyncjob_timed_query`.)
 * @param query A function, or a query builder, of which the first row is taken.
 * @throws TimedQueryTimeoutError, TimedQuerySnapshotError; BackgroundOptionsError at once; the query's own errors at
 * once; the reason of a cancel or timeout of the job at once.
 * @example const report = await timedQuery(() => this.reports.findOneBy({ id }));
 */
export function timedQuery<T>(
  query: Query<T> | QueryBuilderLike<T>,
  options: OrNull,
): Promise<NonNullable<T> | null>;
export function timedQuery<T>(
  query: Query<T> | QueryBuilderLike<T>,
  options?: TimedQueryOptions,
): Promise<NonNullable<T>>;
export async function timedQuery<T>(
  query: Query<T> | QueryBuilderLike<T>,
  options: TimedQueryOptions = {},
): Promise<NonNullable<T> | null> {
  checkOptions('timedQuery()', options, RULES);
  const run = functionOf(query);
  const first = await tryOnce(run);
  if (isFound(first)) return first;
  const goOn = currentJobScope()?.pauses({ what: 'timed query' });
  try {
    return await tryAgain(run, options);
  } finally {
    goOn?.();
  }
}

async function tryAgain<T>(
  run: Query<T>,
  options: TimedQueryOptions,
): Promise<NonNullable<T> | null> {
  let tries = 1;
  let waited = 0;
  for (const wait of waits(options)) {
    if (wait > 0) await pause(wait);
    waited += wait;
    tries += 1;
    const found = await tryOnce(run);
    if (isFound(found)) return found;
  }
  if (options.orNull) return null;
  throw new TimedQueryTimeoutError(tries, waited);
}

/** The waits before each further try. */
function* waits({ retries, interval, timeout }: TimedQueryOptions): Generator<number> {
  const isEven = retries !== undefined || interval !== undefined;
  const limit = parseDuration(timeout) ?? (isEven ? Infinity : 60_000);
  const even = parseDuration(interval) ?? 6_000;
  let left = limit;
  for (let retry = 1; left > 0 && retry <= (isEven ? (retries ?? 10) : Infinity); retry++) {
    const wait = isEven ? even : Math.min(SHORTEST_WAIT * GROWTH ** (retry - 1), LONGEST_WAIT);
    yield Math.min(wait, left);
    left -= wait;
  }
}

/**
 * Looks outside of the job's transaction as long as that has not begun, so that looking does not begin it; what is
 * there is then read once more inside.
 */
async function tryOnce<T>(run: Query<T>): Promise<T | null | undefined> {
  const transaction = currentTransaction();
  if (!transaction) return untilAborted(run);
  const probe = new ProbeTransaction(transaction);
  try {
    const found = await lookBy(probe, run);
    return isFound(found) && probe.lookedOutside ? await untilAborted(run) : found;
  } catch (error) {
    if (!probe.lookedOutside || !wantsTransaction(error)) throw error;
    return lookBy(new ProbeTransaction(transaction, true), run);
  }
}

async function lookBy<T>(probe: ProbeTransaction, run: Query<T>): Promise<T | null | undefined> {
  const found = await runInTransaction(probe, () => untilAborted(run));
  if (!isFound(found) && probe.snapshot) throw new TimedQuerySnapshotError(probe.snapshot);
  return found;
}

/** As TypeORM says of a lock on rows, which only a transaction can hold. */
function wantsTransaction(error: unknown): boolean {
  return (error as Error | undefined)?.name === 'PessimisticLockTransactionRequiredError';
}

/** The query, or the reason why the job is to stop, whichever comes first. */
async function untilAborted<T>(run: Query<T>): Promise<T | null | undefined> {
  const signal = currentJobScope()?.context.signal;
  signal?.throwIfAborted();
  const found = await run();
  signal?.throwIfAborted();
  return found;
}

function pause(wait: number): Promise<void> {
  const signal = currentJobScope()?.context.signal;
  const clock = currentScope()?.clock ?? systemClock;
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      stop();
      reject(signal?.reason as Error);
    };
    const stop = clock.after(
      wait,
      () => {
        signal?.removeEventListener('abort', abort);
        resolve();
      },
      true,
    );
    if (signal?.aborted) return abort();
    signal?.addEventListener('abort', abort, { once: true });
  });
}

function functionOf<T>(query: Query<T> | QueryBuilderLike<T>): Query<T> {
  if (typeof query === 'function') return query;
  if (typeof (query as Partial<QueryBuilderLike<T>> | null)?.getOne === 'function') {
    return () => query.getOne();
  }
  throw new BackgroundOptionsError(
    'query',
    query,
    'timedQuery() was given no query. Give it a function, timedQuery(() => repository.findOneBy(…)), or a query builder.',
  );
}

function isFound<T>(found: T | null | undefined): found is NonNullable<T> {
  return found !== null && found !== undefined && !(Array.isArray(found) && found.length === 0);
}
