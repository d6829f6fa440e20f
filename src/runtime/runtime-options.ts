import {
  aCount,
  aDuration,
  aFunction,
  anObjectOf,
  anObjectWith,
  aText,
  checkOptions,
  oneOf,
} from '../errors/check-options.js';
import { systemClock, type Clock } from '../job/clock.js';
import { parseDuration, type Duration } from '../job/duration.js';
import type { ThreadPool } from '../engine/thread-pool.js';
import type { JobEngine } from '../engine/job-engine.js';
import { RETRIES, TRANSACTION, type BackgroundOptions } from '../registry/background-options.js';
import type { ContextCarrier } from '../registry/context-carrier.js';
import type { JobDefaults } from '../registry/job-definition.js';
import type { JobTracker, Retention } from '../tracker/job-tracker.js';
import { memoryTracker } from '../tracker/memory/memory.tracker.js';
import { engineFor } from './split-engine.js';
import { THREADS, threadsOf, type ThreadOptions } from './thread-options.js';

/** How long finished jobs are kept, counted from their end. */
export interface RetentionOptions {
  /** Default `'1h'`. */
  completed?: Duration;
  /** For cancelled ones too; default `'24h'`. */
  failed?: Duration;
  /** At most so many finished jobs, the latest; default 10,000. */
  count?: number;
}

export interface OutputOptions {
  /** Whether `console` inside a job goes to the job and the console (`'tee'`, default), to the job alone, or is left alone. */
  console?: 'tee' | 'capture' | 'off';
  /** How much of a job's output is kept: its head and its tail. Default 1 MiB. */
  maxBytes?: number;
}

export interface HttpOptions {
  /** The name of the query parameter that carries the job's id; default `'_t'`. */
  param?: string;
  /** Whose request it is (a user's id, say): a job is shown to its owner alone. */
  owner?: (request: never) => string | undefined;
  /**
   * How long an answer that shows a job live is held open at most; then its reader comes back. Default: until the job
   * ends. Set it where a proxy keeps answers back until they are whole, or cuts them after a time.
   */
  hold?: Duration;
}

/** What `BackgroundModule.forRoot` takes. */
export interface BackgroundModuleOptions {
  /** How many jobs run at once; default 10. */
  concurrency?: number;
  /** How many jobs may wait; one more is refused with `QueueFullError`. Default: no limit. */
  queueLimit?: number;
  /** Where jobs, progress and output are kept; default `memoryTracker()`. */
  tracker?: JobTracker;
  /** What delivers jobs; default `localEngine()`. */
  engine?: JobEngine;
  /** For jobs whose method does not say. */
  timeout?: BackgroundOptions['timeout'];
  /** For jobs whose method does not say. */
  retries?: BackgroundOptions['retries'];
  /** For jobs whose method does not say. */
  transaction?: BackgroundOptions['transaction'];
  /**
   * How often in a row a job may be cut off, its process gone or its connection to the database, and run again; then it
   * has failed, since it may be what ends its processes. Default 5. Only where the tracker is durable. (BullMQ's
   * `maxStalledCount`.)
   */
  maxStalledCount?: number;
  retention?: RetentionOptions;
  output?: OutputOptions;
  http?: HttpOptions;
  shutdown?: {
    /** How long running jobs may go on when the application stops; default `'10s'`. */
    grace?: Duration;
  };
  /** Carries what surrounds a call, such as CLS values or a trace, to the process that runs it, as plain JSON. */
  context?: ContextCarrier;
  /** For jobs that run in threads. */
  threads?: ThreadOptions;
  /** For tests: `fakeClock()` of `nestjs-background/testing`. */
  clock?: Clock;
}

const RULES = {
  concurrency: aCount(1),
  queueLimit: aCount(0),
  tracker: anObjectWith(
    'a tracker, such as memoryTracker()',
    ...['open', 'create', 'forget', 'change', 'setProgress', 'append', 'find', 'list', 'counts'],
    ...['output', 'watch', 'close'],
  ),
  engine: anObjectWith(
    'an engine, such as localEngine()',
    ...['open', 'enqueue', 'discard', 'lend', 'pause', 'close'],
  ),
  timeout: aDuration,
  retries: RETRIES,
  transaction: TRANSACTION,
  maxStalledCount: aCount(0),
  retention: anObjectOf({ completed: aDuration, failed: aDuration, count: aCount(0) }),
  output: anObjectOf({ console: oneOf('tee', 'capture', 'off'), maxBytes: aCount(1) }),
  http: anObjectOf({ param: aText, owner: aFunction, hold: aDuration }),
  shutdown: anObjectOf({ grace: aDuration }),
  threads: THREADS,
  context: anObjectWith('a carrier: { capture, restore }', 'capture', 'restore'),
  clock: anObjectWith('a clock, such as fakeClock()', 'now', 'after'),
};

/** The options with every default filled in, durations in ms. */
export interface RuntimeSettings {
  readonly concurrency: number;
  readonly queueLimit: number;
  readonly tracker: JobTracker;
  readonly engine: JobEngine;
  readonly defaults: JobDefaults;
  readonly maxStalledCount: number;
  readonly retention: Retention;
  readonly output: Required<OutputOptions>;
  readonly http: {
    readonly param: string;
    readonly owner: HttpOptions['owner'];
    /** In ms. */
    readonly hold: number | undefined;
  };
  readonly grace: number;
  readonly threads: ThreadPool | undefined;
  readonly context: ContextCarrier | undefined;
  readonly clock: Clock;
}

/** @throws BackgroundOptionsError for options that cannot be meant. */
export function checkModuleOptions(options: BackgroundModuleOptions | undefined): void {
  checkOptions('BackgroundModule.forRoot()', options, RULES);
}

const RETENTION: Required<RetentionOptions> = { completed: '1h', failed: '24h', count: 10_000 };
const OUTPUT = { console: 'tee', maxBytes: 1024 * 1024 } as const;

/** @throws BackgroundOptionsError for options that cannot be meant. */
export function readOptions(options: BackgroundModuleOptions = {}): RuntimeSettings {
  checkModuleOptions(options);
  const retention = withDefaults(RETENTION, options.retention);
  const { concurrency, queueLimit, clock, maxStalledCount } = withDefaults(
    { concurrency: 10, queueLimit: Infinity, clock: systemClock, maxStalledCount: 5 },
    options,
  );
  return {
    maxStalledCount,
    concurrency,
    queueLimit,
    tracker: options.tracker ?? memoryTracker(),
    engine: engineFor(options.engine),
    defaults: {
      timeout: options.timeout,
      retries: options.retries,
      transaction: options.transaction,
    },
    retention: {
      completed: parseDuration(retention.completed)!,
      failed: parseDuration(retention.failed)!,
      count: retention.count,
    },
    output: withDefaults<Required<OutputOptions>>(OUTPUT, options.output),
    http: readHttp(options.http),
    grace: parseDuration(options.shutdown?.grace ?? '10s')!,
    context: options.context,
    threads: threadsOf(options.threads, clock),
    clock,
  };
}

function readHttp({ param = '_t', owner, hold }: HttpOptions = {}): RuntimeSettings['http'] {
  return { param, owner, hold: parseDuration(hold) };
}

/** An option that is there but `undefined` is not given. */
function withDefaults<T extends object>(defaults: T, given: Partial<T> | undefined): T {
  const entries = Object.entries(given ?? {}).filter(([, value]) => value !== undefined);
  return { ...defaults, ...Object.fromEntries(entries) };
}
