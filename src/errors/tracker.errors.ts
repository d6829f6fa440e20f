import { BackgroundError } from './background.error.js';

/**
 * What keeps the jobs does not answer at the moment. A call that was refused with it left no trace, and may be made
 * again. Over HTTP: 503.
 */
export class TrackerUnavailableError extends BackgroundError {
  override readonly name = 'TrackerUnavailableError';
  // As `http-errors` has them, so that Nest's own filter answers with 503.
  readonly status = 503;
  readonly statusCode = 503;
  readonly expose = false;
  /** Seconds after which another try makes sense. */
  readonly retryAfter = 2;

  constructor(
    /** Such as `Redis`. */
    readonly store: string,
    options?: ErrorOptions,
  ) {
    super(
      `Jobs are kept in ${store}, which does not answer at the moment. Try again later; the log says since when.`,
      options,
    );
  }
}
