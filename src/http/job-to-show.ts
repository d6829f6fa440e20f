import type { AcceptedJob, HandlerScope } from './handler-scope.js';

/**
 * Follows a handler until it has returned or waits for a job, whichever is first, and gives the job that was accepted. While
 * there is none, the handler goes on: it may handle that one was refused, and start another.
 * @throws what the handler throws before that
 */
export async function jobToShow(
  scope: HandlerScope,
  handled: Promise<unknown>,
): Promise<AcceptedJob | undefined> {
  const returned = handled.then(() => true);
  for (let { waiting } = scope; ;) {
    const isOver = await Promise.race([returned, waiting.then(() => false)]);
    // Before the look, which takes its time: the next wait may begin meanwhile.
    ({ waiting } = scope);
    const accepted = await scope.accepted();
    if (accepted || isOver) return accepted;
  }
}
