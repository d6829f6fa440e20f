import { BackgroundError } from './background.error.js';

/** What surrounds a call could not be carried to where it runs. The call was refused, or its job has failed. */
export class ContextNotCarriedError extends BackgroundError {
  override readonly name = 'ContextNotCarriedError';

  constructor(
    readonly jobName: string,
    readonly reason: string,
    options?: ErrorOptions,
  ) {
    super(
      `The context of job ${jobName} cannot be carried: ${reason}. Let forRoot({ context }) capture a few values of ` +
        'plain JSON, and restore them around run().',
      options,
    );
  }
}
