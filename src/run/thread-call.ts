import type { ThreadPool } from '../engine/thread-pool.js';
import type { ThreadPlace } from '../registry/job-definition.js';
import type { Attempt } from './attempt.js';

/** Has an attempt run in a thread. Its output, progress and signal are those of the attempt. */
export function runInThread(
  threads: ThreadPool,
  attempt: Attempt,
  place: ThreadPlace,
): Promise<unknown> {
  const { capturesConsole, echoesConsole, context } = attempt;
  const { id, name, signal } = context;
  return threads.run({
    ...{ id, name, signal, ...place, capturesConsole, echoesConsole },
    attempt: attempt.number,
    args: attempt.call.args,
    write: (text, stream) => attempt.write(text, stream),
    setProgress: (value, data) => attempt.setProgress(value, data),
  });
}
