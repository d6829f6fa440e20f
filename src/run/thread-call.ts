import type { ThreadPool } from '../engine/thread-pool.js';
import type { ThreadPlace } from '../registry/job-definition.js';
import type { Attempt } from './attempt.js';
import { ThreadTransaction } from './thread-transaction.js';
import { limitThreadStart, startTimeout } from './time-limit.js';

/** Has an attempt run in a thread. Its output, progress, signal and transaction are those of the attempt. */
export function runInThread(
  threads: ThreadPool,
  attempt: Attempt,
  place: ThreadPlace,
): Promise<unknown> {
  const { capturesConsole, echoesConsole, context, call } = attempt;
  const { id, name, signal } = context;
  const goOn = attempt.pauses({ what: 'place' });
  const run = threads.run({
    ...{ id, name, signal, ...place, capturesConsole, echoesConsole },
    attempt: attempt.number,
    args: call.args,
    transaction: call.definition.transaction,
    placed() {
      goOn();
      limitThreadStart(attempt);
    },
    called: () => startTimeout(attempt),
    write: (text, stream) => attempt.write(text, stream),
    setProgress: (value, data) => attempt.setProgress(value, data),
    wrote() {
      transaction.hasWritten = true;
      attempt.wrote();
    },
  });
  const transaction = new ThreadTransaction(run, attempt.transactions);
  attempt.concludes = transaction;
  return run.result;
}
