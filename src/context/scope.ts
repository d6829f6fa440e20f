import { AsyncLocalStorage } from 'node:async_hooks';
import type { JobOrigin } from '../job/job.js';
import type { OutputStream } from '../job/job-event.js';
import type { ConsoleSink } from '../output/console-capture.js';
import type { JobContext } from './job-context.js';

interface OutputScope extends ConsoleSink {
  /** Whose code this is, so that a function put into the background joins the application that calls it. */
  readonly runtime: object;
  /** The code begins to wait for a job. Returns the error where it must not. */
  waits(job: object): Error | undefined;
}

/** In a job: everything that the method calls, however deep, and what it leaves behind. */
export interface JobScope extends OutputScope {
  readonly kind: 'job';
  readonly context: JobContext;
}

/** In a handler whose answer is a job: it notes the jobs that are started, and what was printed before. */
export interface StartScope extends OutputScope {
  readonly kind: 'start';
  readonly origin: JobOrigin;
  /** A job was started. Gives what was printed until then, if it is the first. */
  started(job: object): readonly HeadLine[];
}

/** What a handler printed before it started a job. */
export interface HeadLine {
  readonly text: string;
  readonly stream: OutputStream;
}

export type Scope = JobScope | StartScope;

/** The only AsyncLocalStorage. A scope that is entered hides the one around it. */
const storage = new AsyncLocalStorage<Scope>();

export function runInScope<T>(scope: Scope, run: () => T): T {
  return storage.run(scope, run);
}

export function currentScope(): Scope | undefined {
  return storage.getStore();
}

export function currentJobScope(): JobScope | undefined {
  const scope = storage.getStore();
  return scope?.kind === 'job' ? scope : undefined;
}
