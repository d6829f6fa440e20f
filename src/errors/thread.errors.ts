import { BackgroundError } from './background.error.js';

/** An argument of a job is something that cannot be sent where the job runs. The call was refused and left no trace. */
export class ArgumentsNotSerializableError extends BackgroundError {
  override readonly name = 'ArgumentsNotSerializableError';

  constructor(
    readonly jobName: string,
    /** Where it is: `arguments[0].rows[3].onDone`. */
    readonly path: string,
    readonly reason: string,
  ) {
    super(
      `Job ${jobName} was refused: ${path} cannot be sent to where it runs (${reason}). ` +
        'Pass plain data, such as an id, and let the job look up the rest.',
    );
  }
}

/** What a method in a thread returned, or threw, cannot be sent back. */
export class ResultNotSerializableError extends BackgroundError {
  override readonly name = 'ResultNotSerializableError';

  constructor(
    readonly jobName: string,
    /** Where it is: `result.rows[3].onDone`. */
    readonly path: string,
    readonly reason: string,
  ) {
    super(
      `Job ${jobName} has run in its thread, but ${path} cannot be sent back (${reason}). ` +
        'Let the method return plain data.',
    );
  }
}

/** The application of a thread did not start, or does not have the method that is to run. */
export class ThreadError extends BackgroundError {
  override readonly name = 'ThreadError';

  constructor(
    /** The module given as `threads.app`. */
    readonly app: string,
    why: string,
    cause?: unknown,
  ) {
    super(`A thread cannot run jobs with ${app}: ${why}`, { cause });
  }
}
