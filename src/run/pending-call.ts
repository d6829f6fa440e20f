import type { DeliveryOutcome } from '../engine/job-engine.js';
import type { JobFuture, Settler } from '../future/job-future.js';
import type { OutputPage } from '../output/output-chunk.js';
import type { OutputWriter } from '../output/output-writer.js';
import type { JobDefinition } from '../registry/job-definition.js';

/** Tells the engine what came of a delivery. */
export type DeliveryDone = (outcome: DeliveryOutcome) => void;

/** An attempt, as those see it who may stop it. */
export interface Interruptible {
  /** Counted from 1. */
  readonly number: number;
  /** False where it is over, or stopped already. */
  interrupt(error: Error): boolean;
}

/** A call that was accepted and is not over: what to run, and whom to tell. */
export class PendingCall {
  /** The attempt that is running. */
  attempt: Interruptible | undefined;
  /** Made when something is printed; one for all attempts, since their chunks are numbered through. */
  output: OutputWriter | undefined;
  /** What earlier attempts printed in another process. */
  printed: OutputPage | undefined;
  #delivered!: (done: DeliveryDone) => void;
  #delivery!: Promise<DeliveryDone>;

  constructor(
    readonly future: JobFuture<unknown>,
    readonly settler: Settler<unknown>,
    readonly definition: JobDefinition,
    readonly target: unknown,
    readonly args: readonly unknown[],
    /** Whether another process, or a later one, can run it again from what is stored. */
    readonly isRevivable = false,
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

  deliver(done: DeliveryDone): void {
    this.#delivered(done);
  }
}
