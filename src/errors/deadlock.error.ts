import { BackgroundError } from './background.error.js';

/** A wait that could never end, refused at once: it would close a circle of jobs that wait for each other. */
export class JobDeadlockError extends BackgroundError {
  override readonly name = 'JobDeadlockError';
  /** The names of the jobs: each waits for the next, the last for the first. */
  readonly cycle: string[];
  /** Their ids, in the same order. */
  readonly jobIds: string[];

  constructor(jobs: readonly { readonly id: string; readonly name: string }[], message?: string) {
    super(message ?? explain(jobs.map(({ name }) => name)));
    this.cycle = jobs.map(({ name }) => name);
    this.jobIds = jobs.map(({ id }) => id);
  }
}

function explain(cycle: readonly string[]): string {
  return (
    `These jobs would wait for each other for ever: ${[...cycle, cycle[0]].join(' → ')}. ` +
    'Let one of them go on without the result, or hand it the result as an argument.'
  );
}
