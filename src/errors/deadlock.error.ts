import { BackgroundError } from './background.error.js';

/** A wait that could never end, refused at once. */
export class JobDeadlockError extends BackgroundError {
  override readonly name = 'JobDeadlockError';

  constructor(
    /** The ids of the jobs that wait for each other, in order. */
    readonly cycle: string[],
    message: string,
  ) {
    super(message);
  }
}
