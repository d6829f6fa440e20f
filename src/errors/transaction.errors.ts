import { BackgroundError } from './background.error.js';

/** A job's transaction was used after the job's end: by a timer it left behind, say, or by a call it did not await. */
export class JobTransactionEndedError extends BackgroundError {
  override readonly name = 'JobTransactionEndedError';

  constructor(
    readonly jobId: string,
    readonly jobName: string,
  ) {
    super(
      `The transaction of job ${jobName} (${jobId}) has ended, and was used once more. ` +
        'Await everything that the method starts, or do it with outsideTransaction(() => …).',
    );
  }
}

/** The job did something that its transaction cannot hold, or left it in a state that must not be committed. */
export class JobTransactionError extends BackgroundError {
  override readonly name = 'JobTransactionError';
}

export function takenOver(
  { jobId, jobName }: { readonly jobId: string; readonly jobName: string },
  cause?: unknown,
): JobTransactionError {
  return new JobTransactionError(
    `Job ${jobName} (${jobId}) stood still for so long that another process has taken it over. What this attempt ` +
      'wrote is undone; see to it that the process gets its share of the processor.',
    { cause },
  );
}

/** The row that `timedQuery` waited for did not appear in time. */
export class TimedQueryTimeoutError extends BackgroundError {
  override readonly name = 'TimedQueryTimeoutError';

  constructor(
    /** How often the query ran. */
    readonly tries: number,
    /** In ms. */
    readonly waited: number,
  ) {
    super(
      `timedQuery() found nothing in ${tries} tries within ${waited} ms. Is the row's transaction committed? ` +
        'Wait longer with { timeout } or { retries, interval }, or take null for an answer with { orNull: true }.',
    );
  }
}

/** The transaction's snapshot is older than the row that `timedQuery` waits for, and will never show it. */
export class TimedQuerySnapshotError extends BackgroundError {
  override readonly name = 'TimedQuerySnapshotError';

  constructor(readonly isolation: string) {
    super(
      `timedQuery() found nothing, and never will: the job's transaction has begun with ${isolation}, and sees the ` +
        'database as it was then. Call timedQuery() before anything else that uses the database in this job, or wait ' +
        'outside: outsideTransaction(() => timedQuery(…)).',
    );
  }
}

/** A write had to wait too long for another: SQLite has one writer at a time. */
export class DatabaseBusyError extends BackgroundError {
  override readonly name = 'DatabaseBusyError';

  constructor(
    readonly database: string,
    /** Who writes: the transaction of a job, by its name and id, or of the application. */
    readonly holder: string,
    /** In ms. */
    readonly waited: number,
    options?: ErrorOptions,
  ) {
    super(
      `Waited ${waited} ms to write to ${database}, and ${holder} still holds it: SQLite has one writer at a time. ` +
        'Write late and commit soon: compute first, save at the end. In a transaction of your own use the manager of its ' +
        'query runner for everything.',
      options,
    );
  }
}
