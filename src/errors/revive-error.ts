import { JobDeadlockError } from './deadlock.error.js';
import {
  JobCancelledError,
  JobContextError,
  JobInterruptedError,
  JobNotFoundError,
  JobTimeoutError,
  QueueFullError,
} from './job.errors.js';
import { BackgroundOptionsError } from './setup.errors.js';
import {
  ArgumentsNotSerializableError,
  ResultNotSerializableError,
  ThreadError,
} from './thread.errors.js';
import {
  DatabaseBusyError,
  JobTransactionEndedError,
  JobTransactionError,
  TimedQuerySnapshotError,
  TimedQueryTimeoutError,
} from './transaction.errors.js';

const KINDS: readonly Function[] = [
  ...[JobCancelledError, JobContextError, JobInterruptedError, JobNotFoundError, JobTimeoutError],
  ...[QueueFullError, JobDeadlockError, BackgroundOptionsError, ThreadError],
  ...[ArgumentsNotSerializableError, ResultNotSerializableError, DatabaseBusyError],
  ...[JobTransactionEndedError, JobTransactionError, TimedQuerySnapshotError],
  TimedQueryTimeoutError,
];

/** An error that came from another thread, which leaves the class behind: one of the library's has it back. */
export function reviveError(error: Error): Error {
  const kind = KINDS.find(({ name }) => name === error.name);
  return kind ? (Object.setPrototypeOf(error, kind.prototype as object) as Error) : error;
}
