import { JobTimeoutError } from '../errors/job.errors.js';
import type { Attempt } from './attempt.js';

/** How long the application of a thread may take to start where the job's own timeout is shorter, in ms. */
const THREAD_START = 60_000;

/** From now on the attempt has its time, and is stopped when that is over. */
export function startTimeout(attempt: Attempt): void {
  limit(attempt, 0);
}

/** The same while its thread comes up, which is no time of the method's, but must not take for ever. */
export function limitThreadStart(attempt: Attempt): void {
  limit(attempt, THREAD_START);
}

function limit(attempt: Attempt, atLeast: number): void {
  const { call, clock, interruption } = attempt;
  const { name, timeout } = call.definition;
  if (timeout === undefined || interruption) return;
  const time = Math.max(timeout, atLeast);
  const timedOut = (): unknown => attempt.interrupt(new JobTimeoutError(call.id, name, time));
  attempt.stopTimeout?.();
  // Keeps the process alive as the job should, even if nothing else is left that it could wait for.
  attempt.stopTimeout = clock.after(time, timedOut, true);
}
