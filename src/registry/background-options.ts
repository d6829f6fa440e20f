import type { Duration } from '../job/duration.js';
import {
  aCount,
  aDuration,
  aFraction,
  aFunction,
  aName,
  anInteger,
  anObjectOf,
  aText,
  either,
  oneOf,
  type OptionRules,
} from '../errors/check-options.js';

/** How often and when a failed job runs again. */
export interface RetryOptions {
  /** How many times after the first. */
  limit: number;
  /** Before the first retry; default `'1s'`. */
  delay?: Duration;
  /** `'exponential'` doubles the delay each time, up to a day, and is the default. */
  backoff?: 'fixed' | 'exponential';
  /** Which part of the delay is left to chance, 0 to 1; default 0. */
  jitter?: number;
}

/** How many jobs of one name run at once, counted apart for each key. */
export interface ConcurrencyOptions<A extends unknown[] = never[]> {
  limit: number;
  /** The key of a call, from its arguments: `(customer) => String(customer.id)`. */
  key?: (...args: A) => string;
}

/** Calls of one key are one job. */
export interface UniqueOptions<A extends unknown[] = never[]> {
  /** The key of a call, from its arguments. Arguments beyond it are those of the first call. */
  key: (...args: A) => string;
  /** How long the first call stands for the others, from that call on, and at least until its job is over. */
  for?: Duration;
}

/** What a job may be told to do, beside its code. */
export interface BackgroundOptions {
  /** The job's name; default `Class.method`. A name of its own survives renames. */
  name?: string;
  /** How long one attempt may run, from its start; 0 for no limit. Default as `forRoot` says, else without limit. */
  timeout?: Duration;
  /** Whether the future of a job that timed out throws `JobTimeoutError` (default), or gives the value `Timeout`. */
  onTimeout?: 'throw' | 'value';
  /** How often it runs again after a failure; default as `forRoot` says, else never. */
  retries?: number | RetryOptions;
  /** Waits before the first attempt. */
  delay?: Duration;
  /** Higher starts sooner, whatever came first; default 0. */
  priority?: number;
  /** How many jobs of this name run at once, or how many of one key; a job that waits for a job does not count. */
  concurrency?: number | ConcurrencyOptions;
  /**
   * A call with the key of one that is not over starts no job: it gives the future of the first. A failed or
   * cancelled job is in nobody's way. Holds among all processes that share a queue, else within one.
   */
  unique?: UniqueOptions;
  /**
   * Runs the method in a thread, on an instance that the thread's own application has (`forRoot({ threads })`). What
   * burns the CPU leaves the event loop free there, and a timeout or cancel that is ignored ends the thread.
   */
  thread?: boolean;
  /**
   * Whether the job runs in a transaction of its own, committed when it returns and rolled back when it throws; default
   * as `forRoot` says, else yes wherever the application has a TypeORM DataSource.
   */
  transaction?: boolean | TransactionOptions;
}

export interface TransactionOptions {
  /** The only DataSource that is covered, by name; default: every one. */
  dataSource?: string;
  /** Default READ COMMITTED, on SQLite its own. */
  isolation?: 'READ UNCOMMITTED' | 'READ COMMITTED' | 'REPEATABLE READ' | 'SERIALIZABLE';
}

export const RETRIES = either(
  aCount(0),
  anObjectOf({
    limit: aCount(0),
    delay: aDuration,
    backoff: oneOf('fixed', 'exponential'),
    jitter: aFraction(),
  }),
);

export const TRANSACTION = either(
  { expected: 'true or false', accepts: (value) => typeof value === 'boolean' },
  anObjectOf({
    dataSource: aText,
    isolation: oneOf('READ UNCOMMITTED', 'READ COMMITTED', 'REPEATABLE READ', 'SERIALIZABLE'),
  }),
);

export const BACKGROUND_OPTIONS: OptionRules = {
  name: aName,
  timeout: aDuration,
  onTimeout: oneOf('throw', 'value'),
  retries: RETRIES,
  delay: aDuration,
  priority: anInteger,
  concurrency: either(aCount(1), anObjectOf({ limit: aCount(1), key: aFunction })),
  unique: anObjectOf({ key: aFunction, for: aDuration }),
  thread: oneOf(true, false),
  transaction: TRANSACTION,
};
