import type { Clock } from '../job/clock.js';
import type { MaybePromise } from '../job/maybe-promise.js';

/** What an engine needs to know of a job. */
export interface JobTicket {
  readonly id: string;
  readonly name: string;
  /** Higher runs sooner; equal ones run in the order they came. 0 if nothing was said. */
  readonly priority: number;
  /** Not before this time, in ms since 1970; at once if not given. */
  readonly runAt: number | undefined;
  /** At most so many run at once of those with this key. */
  readonly limit: { readonly key: string; readonly jobs: number } | undefined;
  /** It was accepted before, and is no longer to be refused: the queue may be full. */
  readonly isAccepted?: boolean;
}

/** What came of a delivery: the job is over for the engine, or is to be delivered again at a time. */
export type DeliveryOutcome = { readonly again?: { readonly runAt: number } };

/** Whom an engine delivers to. */
export interface EngineHost {
  readonly clock: Clock;
  /** How many jobs run at once. */
  readonly concurrency: number;
  /** How many jobs wait at most. */
  readonly queueLimit: number;
  /** Runs the job. Never rejects. */
  deliver(ticket: JobTicket): Promise<DeliveryOutcome>;
  /** A job whose time had not come is now in the queue. */
  ready(id: string): void;
}

/** Delivers jobs to the runner. Runs no user code, and is never asked for state. */
export interface JobEngine {
  /** Called once, before anything else. */
  open(host: EngineHost): MaybePromise<void>;
  /** Takes a job. @throws QueueFullError */
  enqueue(ticket: JobTicket): MaybePromise<void>;
  /** Drops a job that was cancelled before it was delivered. */
  discard(id: string): MaybePromise<void>;
  /**
   * A job that was delivered waits for another: until the returned function is called it takes none of the places
   * there are, and the awaited job, where it is still in line, goes first. Taking the place back never waits for one
   * to be free: the job goes on, and may hold what the others need to finish.
   */
  lend(ticket: JobTicket, awaitedId: string): () => void;
  /** Delivers nothing from now on. What is being run goes on. */
  pause(): MaybePromise<void>;
  /** Called last. Frees timers and connections. */
  close(): MaybePromise<void>;
}
