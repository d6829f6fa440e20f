import { AsyncResource } from 'node:async_hooks';
import type { DeliveryDone, DeliveryOutcome, JobTicket, TakePlace } from '../engine/job-engine.js';
import type { JobFuture } from '../future/job-future.js';
import type { OutputPage } from '../output/output-chunk.js';
import type { OutputWriter } from '../output/output-writer.js';
import type { KeptJob } from '../tracker/job-keeper.js';
import type { JobDefinition } from '../registry/job-definition.js';

/** An attempt, as those see it who may stop it. */
export interface Interruptible {
  /** Counted from 1. */
  readonly number: number;
  /** False where it is over, or stopped already. */
  interrupt(error: Error): boolean;
}

/**
 * A call that was accepted and is not over: what to run, and whom to tell. An engine that takes it so is given the call
 * itself for its ticket.
 */
export class PendingCall implements JobTicket {
  // What is declared alone is there only where it is set: many calls wait, and few have it.
  /** The job as its tracker keeps it, where it can be had so. */
  kept: KeptJob | undefined;
  /** As the engine delivered it. */
  ticket: JobTicket | undefined;
  /** Asked for before the attempt begins; `undefined` where it may at once. */
  declare place?: TakePlace | undefined;
  declare runAt: number | undefined;
  declare limit: JobTicket['limit'];
  declare isAccepted?: boolean;
  /** Set by whoever ends the call before it runs: what its future is told. */
  declare end?: Error;
  /** Made when something is printed; one for all attempts, since their chunks are numbered through. */
  output: OutputWriter | undefined;
  /** What earlier attempts printed in another process. */
  declare printed?: OutputPage | undefined;
  /** How many attempts there have been, in this process or another. */
  attempts = 0;
  #storing: Promise<void> | undefined;
  #attempt: Interruptible | undefined;
  #whenFree: (() => void)[] | undefined;
  /**
   * The async context of the caller: that is where the job runs (CLS, tracing). A promise would remember it too, in four
   * times the memory; a snapshot takes microseconds.
   */
  #context: AsyncResource | undefined = new AsyncResource('nestjs-background.job');
  #over: DeliveryDone | undefined;

  constructor(
    readonly future: JobFuture<unknown>,
    readonly definition: JobDefinition,
    readonly target: unknown,
    /** Futures among them are replaced by their results before the first attempt. */
    public args: readonly unknown[],
    /** Whether another process, or a later one, can run it again from what is stored. */
    readonly isRevivable = false,
  ) {}

  get id(): string {
    return this.future.id;
  }

  get name(): string {
    return this.definition.name;
  }

  get priority(): number {
    return this.definition.priority;
  }

  /** Fulfilled once the call is stored, or refused. Before that, no reader would find the job. */
  get accepting(): Promise<unknown> | undefined {
    return this.#storing?.catch(() => undefined);
  }

  acceptedBy(storing: Promise<void>): void {
    this.future.acceptedBy(storing);
    this.#storing = storing;
  }

  /** The attempt that is running. */
  get attempt(): Interruptible | undefined {
    return this.#attempt;
  }

  beginAttempt(attempt: Interruptible): void {
    this.#attempt = attempt;
  }

  endAttempt(): void {
    this.#attempt = undefined;
    this.#whenFree?.forEach((wake) => wake());
    this.#whenFree = undefined;
  }

  /** Fulfilled when the attempt that is running has ended, and that is recorded. */
  attemptEnd(): Promise<void> {
    return new Promise((resolve) => (this.#whenFree ??= []).push(resolve));
  }

  /** Does something in the async context of the caller. */
  inContext(work: (call: this) => void): void {
    if (this.#context) this.#context.runInAsyncScope(work, undefined, this);
    else work(this);
  }

  /** A call that has failed is kept, and what surrounded it need not be. */
  leaveContext(): void {
    this.#context = undefined;
  }

  /** Whether it has been delivered, and what came of it is not known yet. */
  get isDelivered(): boolean {
    return this.#over !== undefined;
  }

  deliver(ticket: JobTicket, over: DeliveryDone, place?: TakePlace): void {
    if (place || this.place) this.place = place;
    this.ticket = ticket;
    this.#over = over;
  }

  /** The delivery is over, and the slot free. */
  release(outcome: DeliveryOutcome): void {
    const over = this.#over;
    this.#over = undefined;
    over?.(this.ticket!, outcome);
  }
}
