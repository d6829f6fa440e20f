import type { Clock } from '../job/clock.js';
import type { PendingCall } from './pending-call.js';

/** How long what is needed to run a job again is kept: as long as the job itself is. */
export interface EndedRetention {
  /** In ms, from the end of the job. */
  readonly failed: number;
  readonly count: number;
}

interface Ended {
  readonly call: PendingCall;
  readonly dueAt: number;
}

/** Calls that failed or were cancelled: what they threw, and their arguments, so that they can run again on request. */
export class EndedCalls {
  // In the order of their end, which is the order in which their time is over.
  readonly #ended = new Map<string, Ended>();
  #stopTimer: (() => void) | undefined;

  constructor(
    private readonly clock: Clock,
    private readonly retention: EndedRetention,
  ) {}

  keep(call: PendingCall): void {
    call.leaveContext();
    this.#ended.delete(call.id);
    this.#ended.set(call.id, { call, dueAt: this.clock.now() + this.retention.failed });
    if (this.#ended.size > this.retention.count) this.#ended.delete(this.#oldest()!.call.id);
    if (!this.#stopTimer) this.#arm();
  }

  find(id: string): PendingCall | undefined {
    return this.#ended.get(id)?.call;
  }

  take(id: string): PendingCall | undefined {
    const call = this.find(id);
    this.#ended.delete(id);
    return call;
  }

  close(): void {
    this.#stopTimer?.();
    this.#ended.clear();
  }

  #oldest(): Ended | undefined {
    return this.#ended.values().next().value;
  }

  #arm(): void {
    const oldest = this.#oldest();
    const wait = oldest && Math.max(0, oldest.dueAt - this.clock.now());
    this.#stopTimer =
      wait === undefined ? undefined : this.clock.after(wait, () => this.#purgeDue());
  }

  #purgeDue(): void {
    const now = this.clock.now();
    for (let oldest = this.#oldest(); oldest && oldest.dueAt <= now; oldest = this.#oldest()) {
      this.#ended.delete(oldest.call.id);
    }
    this.#arm();
  }
}
