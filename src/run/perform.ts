import { startInScope } from '../context/scope.js';
import type { ThreadPool } from '../engine/thread-pool.js';
import type { Attempt } from './attempt.js';
import type { PendingCall } from './pending-call.js';
import { runInThread } from './thread-call.js';
import { startTimeout } from './time-limit.js';

/** The user's code, in the scope of its job; the attempt tells how it came out. */
export function perform(attempt: Attempt, threads: ThreadPool | undefined): void {
  if (attempt.begins()) attempt.endsWith(begin(attempt, threads));
}

function begin(attempt: Attempt, threads: ThreadPool | undefined): Promise<unknown> {
  const { call, transaction } = attempt;
  const { thread } = call.definition;
  if (thread && threads) return runInThread(threads, attempt, thread);
  startTimeout(attempt);
  return startInScope(attempt, runMethod, call, transaction);
}

/** What the method throws before its first await is a rejection too. */
function runMethod({ definition, target, args }: PendingCall): Promise<unknown> {
  try {
    return Promise.resolve(definition.method.apply(target, args as never[]));
  } catch (thrown) {
    return Promise.reject(thrown);
  }
}
