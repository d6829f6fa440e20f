import { BackgroundError } from './background.error.js';
import { toFailure } from './failure.js';

/** The attempt ran longer than its `timeout`. */
export class JobTimeoutError extends BackgroundError {
  override readonly name = 'JobTimeoutError';

  constructor(
    readonly jobId: string,
    readonly jobName: string,
    /** In ms. */
    readonly timeout: number,
  ) {
    super(
      `Job ${jobName} (${jobId}) ran longer than its timeout of ${timeout} ms. ` +
        `Raise { timeout }, or let the method stop early when currentJob().signal is aborted.`,
    );
  }
}

/** The job was cancelled, by its future or by the service. */
export class JobCancelledError extends BackgroundError {
  override readonly name = 'JobCancelledError';

  constructor(
    readonly jobId: string,
    readonly jobName: string,
    /** What the caller of `cancel` gave. */
    readonly reason?: unknown,
  ) {
    super(
      `Job ${jobName} (${jobId}) was cancelled${reason === undefined ? '' : `: ${describe(reason)}`}.`,
      {
        cause: reason,
      },
    );
  }
}

const INTERRUPTED = {
  'given up': (when: string) =>
    `was given up ${when}: the application is shutting down. ` +
    `Start it again afterwards, or give it more time: { shutdown: { grace } }.`,
  'handed back': (when: string) =>
    `was handed back ${when}: the application is shutting down. ` +
    `It runs at the next start, or in another process that shares its tracker.`,
  stalled: (when: string) =>
    `was cut off ${when}, again and again: each time its process was gone, or its connection to the database. Does it ` +
    `run out of memory, or end the process? See their logs, give it smaller pieces of work or { thread: true }, or allow ` +
    `for more with { maxStalledCount }.`,
  'taken over': (when: string) =>
    `was taken over ${when} by another process, since this one stood still, or had no connection, for longer than its ` +
    `lease. What became of it is told by find(id) and wait(id) of BackgroundService.`,
  'left open': (when: string) =>
    `was left open ${when}: its tracker does not answer. Once it does, the job is found to be completed, or runs again: ` +
    `see find(id) and wait(id) of BackgroundService.`,
  lost: (when: string) =>
    `was lost ${when}: its process ended, and a function that no class holds cannot be found again. ` +
    `Make it a method under @Background(), so that it runs again after a crash.`,
};

/** The application stopped before the job was done, or before it could begin. Over HTTP: 503. */
export class JobInterruptedError extends BackgroundError {
  override readonly name = 'JobInterruptedError';
  // As `http-errors` has them, so that Nest's own filter answers with 503.
  readonly status = 503;
  readonly statusCode = 503;
  readonly expose = false;

  constructor(
    readonly jobId: string,
    readonly jobName: string,
    when: 'before it was accepted' | 'before it began' | 'before it was done',
    fate: keyof typeof INTERRUPTED = 'given up',
  ) {
    super(`Job ${jobName} (${jobId}) ${INTERRUPTED[fate](when)}`);
  }
}

/** No such job: it never was, or its retention is over. */
export class JobNotFoundError extends BackgroundError {
  override readonly name = 'JobNotFoundError';

  constructor(readonly jobId: string) {
    super(
      `There is no job ${describe(jobId)}. It never was, or it ended longer ago than { retention } keeps it.`,
    );
  }
}

/** Something that only makes sense inside a job was called outside of one. */
export class JobContextError extends BackgroundError {
  override readonly name = 'JobContextError';

  constructor(readonly used: string) {
    super(
      `${used} was called outside a job. Call it in a method under @Background(), or in what that method calls; ` +
        `what runs elsewhere can ask currentJob() first.`,
    );
  }
}

/** The queue is as long as `queueLimit` allows. The call was refused and left no trace. Over HTTP: 503. */
export class QueueFullError extends BackgroundError {
  override readonly name = 'QueueFullError';
  // As `http-errors` has them, so that Nest's own filter answers with 503.
  readonly status = 503;
  readonly statusCode = 503;
  readonly expose = false;
  /** Seconds after which another try makes sense. */
  readonly retryAfter = 1;

  constructor(
    readonly jobName: string,
    readonly limit: number,
  ) {
    super(
      `Job ${jobName} was refused: ${limit} jobs are waiting already. Try again later, ` +
        `or raise { queueLimit } or { concurrency }.`,
    );
  }
}

function describe(value: unknown): string {
  return toFailure(value).message;
}
