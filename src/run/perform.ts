import { runInScope } from '../context/scope.js';
import type { ThreadPool } from '../engine/thread-pool.js';
import { JobTimeoutError } from '../errors/job.errors.js';
import type { Clock } from '../job/clock.js';
import type { Attempt } from './attempt.js';
import type { Outcome } from './conclude-transaction.js';
import { runInThread } from './thread-call.js';

/** The user's code, in the scope of its job. Its output ends where its outcome is known. */
export async function perform(attempt: Attempt, threads: ThreadPool | undefined): Promise<Outcome> {
  const { definition, target, args } = attempt.call;
  const { transaction } = attempt;
  // Async, so that what the method throws before its first await is a rejection too.
  // eslint-disable-next-line @typescript-eslint/require-await
  const method = async (): Promise<unknown> => definition.method.apply(target, args as never[]);
  try {
    const run = (): Promise<unknown> =>
      definition.thread && threads
        ? runInThread(threads, attempt, definition.thread)
        : runInScope(attempt, method, transaction);
    return { value: await attempt.outcomeOf(run) };
  } catch (thrown) {
    return { thrown };
  } finally {
    attempt.close();
  }
}

/** Stops the attempt when its time is over, unless it is stopped before. */
export function startTimeout(attempt: Attempt, clock: Clock): (() => void) | undefined {
  const { id, definition } = attempt.call;
  const { name, timeout } = definition;
  if (timeout === undefined) return undefined;
  const timedOut = (): unknown => attempt.interrupt(new JobTimeoutError(id, name, timeout));
  // Keeps the process alive as the job should, even if nothing else is left that it could wait for.
  return clock.after(timeout, timedOut, true);
}
