import { toFailure } from '../errors/failure.js';
import { JobCancelledError, JobInterruptedError } from '../errors/job.errors.js';
import { plainJson } from '../job/plain-json.js';
import type { JobChange } from '../job/state-machine.js';
import { retryDelay } from '../registry/job-definition.js';
import type { Attempt } from './attempt.js';
import type { Outcome } from './outcome.js';
import type { PendingCall } from './pending-call.js';

/** Before a job runs again whose connection was lost, the first time; then twice as long each time. In ms. */
const STALL_PAUSE = 100;

export function completion(value: unknown, at: number): JobChange {
  return { type: 'complete', at, result: plainJson(value) };
}

export function failure(error: unknown, at: number): JobChange {
  return { type: 'fail', at, error: toFailure(error) };
}

/** What the outcome of an attempt means for its job, but for retries. */
export function judge(
  attempt: Attempt,
  outcome: Outcome,
  at: number,
  maxStalledCount: number,
): JobChange {
  if ('value' in outcome) return completion(outcome.value, at);
  if (attempt.call.isRevivable) {
    if (attempt.wasEndedBy(JobInterruptedError, outcome.thrown)) return { type: 'release', at };
    if (wasCutOff(attempt) && attempt.stalled < maxStalledCount) return { type: 'stall', at };
  }
  const cancelled = attempt.wasEndedBy(JobCancelledError, outcome.thrown);
  const error = toFailure(outcome.thrown);
  const end = { type: cancelled ? 'cancel' : 'fail', at, error } as const;
  return attempt.concludes?.isUndone ? { ...end, rolledBack: true } : end;
}

/** A connection was lost, which is no failure of the job's: it runs again, as after a crash. */
function wasCutOff({ concludes, interruption, isUnmarked }: Attempt): boolean {
  return concludes?.isCutOff === true && !interruption && !isUnmarked;
}

/** When the job runs again, if it failed and may. Once the application ends it may not, but for a later process. */
export function nextRun(
  { call, number, stalled }: Attempt,
  change: JobChange,
  isClosing: boolean,
): number | undefined {
  if (change.type === 'stall') return change.at + STALL_PAUSE * 2 ** stalled;
  if (change.type !== 'fail' || (isClosing && !call.isRevivable)) return undefined;
  const delay = retryDelay(call.definition, number, Math.random());
  return delay === undefined ? undefined : change.at + delay;
}

/** The change, where the job runs again at a time. */
export function reschedule(change: JobChange, runAt: number | undefined): JobChange {
  if (runAt === undefined || change.type !== 'fail') return change;
  return { ...change, type: 'reschedule', runAt };
}

/** What is told of a job whose tracker is away, after so many attempts. */
export function leftOpen({ id, definition }: PendingCall, attempt: number): Error {
  return attempt === 0
    ? new JobInterruptedError(id, definition.name, 'before it began', 'handed back')
    : new JobInterruptedError(id, definition.name, 'before it was done', 'left open');
}
