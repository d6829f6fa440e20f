import type { JobEngine } from '../engine/job-engine.js';
import { JobNotFoundError } from '../errors/job.errors.js';
import type { Clock } from '../job/clock.js';
import { isFinal } from '../job/state-machine.js';
import type { JobRunner } from '../run/job-runner.js';
import type { PendingCall } from '../run/pending-call.js';
import type { JobTracker } from '../tracker/job-tracker.js';
import { ticketOf } from './ticket.js';

export interface RelayParts {
  readonly tracker: JobTracker;
  readonly engine: JobEngine;
  readonly runner: JobRunner;
  readonly clock: Clock;
}

/** Between two tries to hand over what is stored, in ms. */
const PAUSE = 1_000;
/** Between two looks whether what waits is in the queue still, in ms. */
const SWEEP = 30_000;
/** How many calls a sweep looks at: those that wait longest. */
const MOST = 500;

/**
 * Sees to it that a call that is stored is in the queue that processes share: where it could not be handed over after
 * a commit, and where the queue has lost its data. What a crash left is for the tracker to find.
 */
export class Relay {
  readonly #unsent = new Set<PendingCall>();
  #stopTimer: (() => void) | undefined;
  #stopSweep: (() => void) | undefined;
  #closed = false;

  constructor(private readonly parts: RelayParts) {}

  open(): void {
    this.#sweepLater();
  }

  /** The engine is back, and may have lost what waited. */
  recovered(): void {
    const { runner } = this.parts;
    runner.pendingCalls().forEach((call) => this.later(call));
  }

  /** Hands the call over as soon as that can be done. */
  later(call: PendingCall): void {
    if (this.#closed || !call.isRevivable) return;
    this.#unsent.add(call);
    this.#tryLater(0);
  }

  close(): void {
    this.#closed = true;
    this.#stopTimer?.();
    this.#stopSweep?.();
  }

  #sweepLater(): void {
    if (this.#closed) return;
    this.#stopSweep = this.parts.clock.after(SWEEP, () => {
      this.parts.runner
        .pendingCalls()
        .slice(0, MOST)
        .forEach((call) => this.later(call));
      this.#sweepLater();
    });
  }

  #tryLater(pause: number): void {
    if (this.#closed) return;
    this.#stopTimer ??= this.parts.clock.after(pause, () => {
      void this.#tryAll().then((isDone) => {
        this.#stopTimer = undefined;
        if (!isDone || this.#unsent.size > 0) this.#tryLater(PAUSE);
      });
    });
  }

  /** One after the other, in the order in which they were called; false where the engine is away. */
  async #tryAll(): Promise<boolean> {
    for (const call of this.#unsent) {
      try {
        await this.#hand(call);
      } catch {
        return false;
      }
      this.#unsent.delete(call);
    }
    return true;
  }

  async #hand(call: PendingCall): Promise<void> {
    const { tracker, engine, runner } = this.parts;
    await call.accepting;
    if (runner.pending(call.id) !== call || call.attempt) return;
    const record = await tracker.find(call.id);
    if (!record) return runner.drop(call, new JobNotFoundError(call.id));
    if (isFinal(record.state)) return runner.endedElsewhere(call, record);
    if (record.state === 'running') return;
    const again = { isAccepted: true, isAgain: true };
    await engine.enqueue({ ...ticketOf(call, record), runAt: record.runAt, ...again });
  }
}
