import { startInScope } from '../context/scope.js';
import type { ThreadPool } from '../engine/thread-pool.js';
import { JobTimeoutError } from '../errors/job.errors.js';
import type { Clock } from '../job/clock.js';
import type { Attempt } from './attempt.js';
import type { PendingCall } from './pending-call.js';
import { runInThread } from './thread-call.js';

/** The user's code, in the scope of its job; the attempt tells how it came out. */
export function perform(attempt: Attempt, threads: ThreadPool | undefined): void {
  if (attempt.begins()) attempt.endsWith(begin(attempt, threads));
}

function begin(attempt: Attempt, threads: ThreadPool | undefined): Promise<unknown> {
  const { call, transaction } = attempt;
  const { thread } = call.definition;
  return thread && threads
    ? runInThread(threads, attempt, thread)
    : startInScope(attempt, runMethod, call, transaction);
}

/** What the method throws before its first await is a rejection too. */
function runMethod({ definition, target, args }: PendingCall): Promise<unknown> {
  try {
    return Promise.resolve(definition.method.apply(target, args as never[]));
  } catch (thrown) {
    return Promise.reject(thrown);
  }
}

/** Stops the attempt when its time is over, unless it is stopped before. */
export function startTimeout(attempt: Attempt, clock: Clock): (() => void) | undefined {
  const { call } = attempt;
  const { name, timeout } = call.definition;
  if (timeout === undefined) return undefined;
  const timedOut = (): unknown => attempt.interrupt(new JobTimeoutError(call.id, name, timeout));
  // Keeps the process alive as the job should, even if nothing else is left that it could wait for.
  return clock.after(timeout, timedOut, true);
}
