import { AsyncLocalStorage, AsyncResource } from 'node:async_hooks';
import type { Clock } from '../job/clock.js';
import type { JobOrigin, JobWait } from '../job/job.js';
import type { OutputStream } from '../job/job-event.js';
import type { ConsoleSink } from '../output/console-capture.js';
import type { JobContext } from './job-context.js';

interface OutputScope extends ConsoleSink {
  /** Whose code this is, so that a function put into the background joins the application that calls it. */
  readonly runtime: object;
  /** The code begins to wait for a job. Returns the error where it must not. */
  waits(job: object): Error | undefined;
  readonly clock: Clock;
}

/** What code in a job waits for. */
export type WaitingFor = Omit<JobWait, 'since'>;

/** In a job: everything that the method calls, however deep, and what it leaves behind. */
export interface JobScope extends OutputScope {
  readonly kind: 'job';
  readonly context: JobContext;
  /** The code begins to wait for what is to be recorded of a job; the function that it gives ends that. */
  awaitsRecordOf(jobId: string): () => void;
  /** The code begins to wait for something else than a job; readers are told if that lasts. Gives what ends the wait. */
  pauses(waiting: WaitingFor): () => void;
}

/** In a handler whose answer is a job: it notes the jobs that are started, and what was printed before. */
export interface StartScope extends OutputScope {
  readonly kind: 'start';
  readonly origin: JobOrigin;
  /** Takes a line that was printed, not written to the console. */
  print(text: string): void;
  /**
   * A job was started, or was there already: then `sharing` is when the handler's origin is noted. Gives what was printed
   * until then, if it is the first.
   */
  started(job: object, sharing?: Promise<void>): readonly HeadLine[];
}

/** What a handler printed before it started a job. */
export interface HeadLine {
  readonly text: string;
  readonly stream: OutputStream;
}

export type Scope = JobScope | StartScope;

/** The transaction that code runs in, as far as waiting depends on it; the transaction folder has the rest. */
export interface SurroundingTransaction {
  /** Whether it is the other, or within it. */
  isWithin(other: object): boolean;
}

/** What surrounds the code that runs: a job or a handler, and the transaction that it is in. */
interface Frame {
  readonly scope: Scope | undefined;
  readonly transaction: SurroundingTransaction | undefined;
}

/** The only AsyncLocalStorage. */
const storage = new AsyncLocalStorage<Frame>();

/** Enters a scope, which hides the one around it, and its transaction. */
export function runInScope<T>(scope: Scope, run: () => T, transaction?: SurroundingTransaction): T {
  return storage.run({ scope, transaction }, run);
}

/**
 * Begins something in a scope, and leaves it when that returns. In a resource of its own, with which the scope goes:
 * `run` enters a scope and enters the one before again, and on Node 24 each makes a copy of all that surrounds the code.
 */
export function startInScope<A, T>(
  scope: Scope,
  start: (of: A) => T,
  of: A,
  transaction?: SurroundingTransaction,
): T {
  const resource = new AsyncResource('nestjs-background.attempt');
  return resource.runInAsyncScope(startIn<A, T>, undefined, { scope, transaction }, start, of);
}

function startIn<A, T>(frame: Frame, start: (of: A) => T, of: A): T {
  storage.enterWith(frame);
  return start(of);
}

/** Enters a transaction, or none, in the same scope. */
export function runInTransaction<T>(
  transaction: SurroundingTransaction | undefined,
  run: () => T,
): T {
  return storage.run({ scope: currentScope(), transaction }, run);
}

export function currentScope(): Scope | undefined {
  return storage.getStore()?.scope;
}

/** The same, if it is one of this application: no other knows its jobs, as their parent or by the URL of a handler. */
export function scopeOf(runtime: object): Scope | undefined {
  const scope = currentScope();
  return scope?.runtime === runtime ? scope : undefined;
}

export function currentJobScope(): JobScope | undefined {
  const scope = currentScope();
  return scope?.kind === 'job' ? scope : undefined;
}

export function surroundingTransaction(): SurroundingTransaction | undefined {
  return storage.getStore()?.transaction;
}
