import { BackgroundError } from './background.error.js';
import { toFailure } from './failure.js';

/** The queue that processes share cannot be reached. The call was refused and left no trace. Over HTTP: 503. */
export class EngineUnavailableError extends BackgroundError {
  override readonly name = 'EngineUnavailableError';
  // As `http-errors` has them, so that Nest's own filter answers with 503.
  readonly status = 503;
  readonly statusCode = 503;
  readonly expose = false;
  /** Seconds after which another try makes sense. */
  readonly retryAfter = 5;

  constructor(
    /** Where it was looked for, without passwords. */
    readonly address: string,
    cause: unknown,
    remedy = 'See to it that it runs, and can be reached from here.',
  ) {
    super(`The queue at ${address} does not answer (${toFailure(cause).message}). ${remedy}`, {
      cause,
    });
  }
}
