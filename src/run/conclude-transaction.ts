import { chain, type MaybePromise } from '../job/maybe-promise.js';
import type { JobChange } from '../job/state-machine.js';
import { takenOver } from '../errors/transaction.errors.js';
import type { JobTracker, OpenTransaction } from '../tracker/job-tracker.js';
import type { ConcludableTransaction } from '../transaction/job-transaction.js';
import type { Attempt } from './attempt.js';
import type { Outcome } from './outcome.js';

/**
 * Ends the attempt's transaction: commits where the method returned, rolls back where anything was thrown. With a
 * tracker in the same database the mark "completed" is committed with the rows, or not at all.
 * @param completion The change that marks the job completed.
 */
export async function concludeTransaction(
  attempt: Attempt,
  transaction: ConcludableTransaction,
  outcome: Outcome,
  tracker: JobTracker,
  completion: (value: unknown) => JobChange,
): Promise<Outcome> {
  if ('thrown' in outcome) {
    await transaction.rollBack();
    return outcome;
  }
  try {
    await transaction.commit((open) => mark(attempt, open, tracker, completion(outcome.value)));
    return outcome;
  } catch (thrown) {
    // The answer to a COMMIT may be lost, and the commit not.
    attempt.isInDoubt = attempt.recorded !== undefined;
    attempt.recorded = undefined;
    return { thrown };
  }
}

function mark(
  attempt: Attempt,
  open: readonly OpenTransaction[],
  tracker: JobTracker,
  completion: JobChange,
): MaybePromise<OpenTransaction | undefined> {
  const joined = open.find(({ dataSource }) => tracker.joins?.(dataSource));
  attempt.isUnmarked = !joined;
  if (!joined) return undefined;
  const { id, definition } = attempt.call;
  return chain(tracker.change(id, completion, attempt.number, joined), (recorded) => {
    attempt.recorded = recorded;
    if (recorded) return joined;
    throw takenOver({ jobId: id, jobName: definition.name });
  });
}
