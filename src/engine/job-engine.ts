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
  /** Until the job is over, an engine that several processes share refuses any other with this key. */
  readonly uniqueKey?: string;
  /** It was accepted before, and is no longer to be refused: the queue may be full. */
  readonly isAccepted?: boolean;
  /**
   * It was enqueued before, and may be in the queue still, or be lost. What a delivery that was begun earlier comes to
   * no longer counts.
   */
  readonly isAgain?: boolean;
  /** Only this process can run it. */
  readonly staysHere?: boolean;
}

/** What came of a delivery: the job is over for the engine, or is to be delivered again. */
export interface DeliveryOutcome {
  /** At this time, or later. */
  readonly again?: { readonly runAt: number };
  /** This process has no method of that name. Another one may, of a newer version: it is to be delivered there. */
  readonly unknown?: true;
}

/**
 * Asked by a job when it is made ready and may begin: fulfilled when there is a place for it, `undefined` where there is one.
 */
export type TakePlace = () => Promise<void> | undefined;

/** Is told what came of a delivery. */
export type DeliveryDone = (ticket: JobTicket, outcome: DeliveryOutcome) => void;

/** Whom an engine delivers to. */
export interface EngineHost {
  readonly clock: Clock;
  /** How many jobs run at once. */
  readonly concurrency: number;
  /** How many jobs wait at most. */
  readonly queueLimit: number;
  /**
   * Runs the job. Never rejects. Where the engine is shared, the job may be one that another process enqueued.
   * @param place Where there is no place for the job yet: it is made ready, and then asks for it.
   */
  deliver(ticket: JobTicket, place?: TakePlace): Promise<DeliveryOutcome>;
  /**
   * The same for an engine that would have to wait for a promise of each job: once the attempt is over it is called with
   * the ticket and what came of it, never before this has returned, and before anybody else is told of the end.
   */
  start(ticket: JobTicket, over: DeliveryDone, place?: TakePlace): void;
  /** A job whose time had not come is now in the queue. An engine that cannot tell leaves it to the delivery. */
  ready(id: string): void;
  /** The engine is back after it was away, and may have lost what was queued: what still waits is enqueued again. */
  recovered(): void;
}

/** The ticket was not taken, since another job with its unique key is not over. */
export interface StandIn {
  /** The id of that job. */
  readonly standIn: string;
}

/** Delivers jobs to the runner. Runs no user code, and is never asked for state. */
export interface JobEngine {
  /**
   * Whether several processes share the queue: then a job may be delivered to another process than the one that
   * enqueued it, again after a crash, and more than once. The record says whether there is anything left to do.
   */
  readonly distributed?: boolean;
  /**
   * Whether its tickets are given back as they were given, never copies: then they may be objects of a class, whose ids
   * are made when they are read.
   */
  readonly keepsTickets?: boolean;
  /** Called once, before anything else. */
  open(host: EngineHost): MaybePromise<void>;
  /** The application is ready to run jobs of other processes. */
  begin?(): void;
  /**
   * Takes a job. It may be called again before it has answered: of equal priority, jobs run in the order of the calls.
   * @throws QueueFullError; EngineUnavailableError within seconds
   */
  enqueue(ticket: JobTicket): MaybePromise<void | StandIn>;
  /** Drops a job that was cancelled before it was delivered. */
  discard(id: string): MaybePromise<void>;
  /**
   * A job that was delivered waits for another: until the returned function is called it takes none of the places
   * there are, and the awaited job, where it is still in line, goes first. Taking the place back never waits for one
   * to be free: the job goes on, and may hold what the others need to finish.
   */
  lend(ticket: JobTicket, awaitedId: string): () => void;
  /**
   * The method of a job that was delivered is over, and its end is being recorded, for which the next ones need not wait
   * to be made ready: they may be delivered, each with a `place` to ask for.
   */
  vacate?(ticket: JobTicket): void;
  /**
   * What such a job still needs, its connection to the database, can serve the next one too: one that was made ready may
   * take its place at once. Where that leaves open which of two is recorded first, as with one place, it waits all the same.
   */
  passOn?(ticket: JobTicket): void;
  /** Delivers nothing from now on. What is being run goes on. */
  pause(): MaybePromise<void>;
  /** Called last. Hands back what was delivered and is due again, and frees timers and connections. */
  close(): MaybePromise<void>;
}
