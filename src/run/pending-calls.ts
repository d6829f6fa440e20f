import type { JobTicket } from '../engine/job-engine.js';
import type { JobKeeper, KeptJob } from '../tracker/job-keeper.js';
import { PendingCall } from './pending-call.js';

/** The calls that are not over. Those whose jobs are kept by objects are noted there, the others by their ids. */
export class PendingCalls {
  readonly #byId = new Map<string, PendingCall>();
  #kept = 0;
  #whenNone: (() => void)[] = [];

  constructor(private readonly keeper: JobKeeper | undefined) {}

  get size(): number {
    return this.#byId.size + this.#kept;
  }

  add(call: PendingCall): void {
    if (call.kept) this.#addKept(call, call.kept);
    else this.#byId.set(call.id, call);
  }

  delete(call: PendingCall): void {
    if (!call.kept) this.#byId.delete(call.id);
    else if (this.has(call)) {
      call.kept.caller = undefined;
      this.#kept -= 1;
    }
  }

  has(call: PendingCall): boolean {
    return call.kept ? call.kept.caller === call : this.#byId.get(call.id) === call;
  }

  find(id: string): PendingCall | undefined {
    return this.#byId.get(id) ?? callerOf(this.keeper?.find(id));
  }

  /** The call that a ticket stands for, or is. */
  of(ticket: JobTicket): PendingCall | undefined {
    if (!(ticket instanceof PendingCall)) return this.find(ticket.id);
    return this.has(ticket) ? ticket : undefined;
  }

  /** Those that wait longest come first. */
  all(): PendingCall[] {
    const kept = this.keeper?.called() ?? [];
    return [...this.#byId.values(), ...kept.flatMap((job) => callerOf(job) ?? [])];
  }

  /** Fulfilled when there is none. */
  none(): Promise<void> {
    if (this.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#whenNone.push(resolve));
  }

  tellIfNone(): void {
    if (this.size > 0 || this.#whenNone.length === 0) return;
    const waiting = this.#whenNone;
    this.#whenNone = [];
    waiting.forEach((resolve) => resolve());
  }

  #addKept(call: PendingCall, job: KeptJob): void {
    if (!job.caller) this.#kept += 1;
    job.caller = call;
  }
}

function callerOf(job: KeptJob | undefined): PendingCall | undefined {
  return job?.caller as PendingCall | undefined;
}
