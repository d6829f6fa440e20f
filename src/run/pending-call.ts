import type { DeliveryOutcome, JobTicket } from '../engine/job-engine.js';
import type { JobFuture, Settler } from '../future/job-future.js';
import type { OutputWriter } from '../output/output-writer.js';
import type { JobDefinition } from '../registry/job-definition.js';

/** Tells the engine what came of a delivery. */
export type DeliveryDone = (outcome: DeliveryOutcome) => void;

/** An attempt, as those see it who may stop it. */
export interface Interruptible {
  /** False where it is over, or stopped already. */
  interrupt(error: Error): boolean;
}

/** A call that was accepted and is not over: what to run, and whom to tell. */
export class PendingCall {
  /** The attempt that is running. */
  attempt: Interruptible | undefined;
  /** As the engine delivered it. */
  ticket: JobTicket | undefined;
  /** Made when something is printed; one for all attempts, since their chunks are numbered through. */
  output: OutputWriter | undefined;
  #delivered!: (done: DeliveryDone) => void;
  #delivery!: Promise<DeliveryDone>;

  constructor(
    readonly future: JobFuture<unknown>,
    readonly settler: Settler<unknown>,
    readonly definition: JobDefinition,
    readonly target: unknown,
    /** Futures among them are replaced by their results before the first attempt. */
    public args: readonly unknown[],
  ) {
    this.awaitDelivery();
  }

  get id(): string {
    return this.future.id;
  }

  /** Before each attempt: there is nothing to run until the engine delivers. */
  awaitDelivery(): void {
    this.#delivery = new Promise((resolve) => (this.#delivered = resolve));
  }

  delivery(): Promise<DeliveryDone> {
    return this.#delivery;
  }

  deliver(ticket: JobTicket, done: DeliveryDone): void {
    this.ticket = ticket;
    this.#delivered(done);
  }
}
