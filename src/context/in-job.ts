import { format } from 'node:util';
import { JobContextError } from '../errors/job.errors.js';
import { BackgroundOptionsError } from '../errors/setup.errors.js';
import type { JobContext } from './job-context.js';
import { currentJobScope, currentScope } from './scope.js';

/**
 * Writes a line to the output of the job that is running, from any depth of calls, formatted as `console.log`
 * does. In a handler under `@Backgrounder()`, before it starts a job, the line heads that job's output; where it starts
 * none, and anywhere else, it is `console.log`. (web.py's `print` in a background function.)
 */
export function print(...values: unknown[]): void {
  const scope = currentScope();
  if (!scope) return console.log(...values);
  const line = `${format(...values)}\n`;
  if (scope.kind === 'start') scope.print(line);
  else scope.write(line, 'stdout');
}

/** The job that is running, found from any depth of calls; `undefined` outside of one. */
export function currentJob(): JobContext | undefined {
  return currentJobScope()?.context;
}

/**
 * Reports how far the running job is. (asyncjob's `asyncjob_set_progress`.)
 * @param value A finite number; 0 to 100 where it is meant as a percentage.
 * @param data Anything that JSON keeps; `null` if not given.
 * @throws JobContextError outside a job; BackgroundOptionsError for NaN and the like.
 */
export function setProgress(value: number, data?: unknown): void {
  jobFor('setProgress').setProgress(value, data);
}

/** The running job. @throws JobContextError outside of one. */
export function jobFor(used: string): JobContext {
  const job = currentJob();
  if (!job) throw new JobContextError(`${used}()`);
  return job;
}

/** @throws BackgroundOptionsError */
export function checkProgress(value: unknown): asserts value is number {
  if (typeof value === 'number' && Number.isFinite(value)) return;
  const given = typeof value === 'number' ? String(value) : `a ${typeof value}`;
  throw new BackgroundOptionsError(
    'value',
    value,
    `setProgress() was given ${given}. Give it a finite number, such as a percentage from 0 to 100.`,
  );
}
