import { clearInterval, setInterval } from 'node:timers';
import type { Queue } from 'bullmq';
import type { JobTicket } from '../job-engine.js';
import type { KeyLimits } from './key-limits.js';
import type { Delivered } from './message.js';

/** A job that was fetched and is not settled. */
export interface HeldJob {
  readonly job: Delivered;
  /** What BullMQ knows this delivery by. */
  readonly token: string;
  readonly ticket: JobTicket;
  /** It counts among those of its key. */
  counts: boolean;
}

/** Jobs that this process has fetched. Gives a sign of life for each, until it is settled. */
export class HeldJobs {
  readonly #held = new Map<string, HeldJob>();
  #timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly queue: Queue,
    private readonly limits: KeyLimits,
    /** In ms. */
    private readonly lock: number,
    private readonly failed: (error: unknown) => void,
  ) {}

  get size(): number {
    return this.#held.size;
  }

  open(): void {
    // Often enough that one or two may get lost.
    this.#timer = setInterval(() => void this.#renew().catch(this.failed), this.lock / 4);
    this.#timer.unref();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  add(held: HeldJob): void {
    this.#held.set(held.token, held);
  }

  /** The latest delivery of a job. */
  find(id: string): HeldJob | undefined {
    return [...this.#held.values()].findLast(({ ticket }) => ticket.id === id);
  }

  remove({ token }: HeldJob): void {
    this.#held.delete(token);
  }

  async #renew(): Promise<void> {
    const held = [...this.#held.values()];
    if (held.length === 0) return;
    // What is no longer this process's is found out when it is settled; until then another delivery does no harm.
    await this.queue.getBackend().extendLocks(
      held.map(({ ticket }) => ticket.id),
      held.map(({ token }) => token),
      this.lock,
    );
    const counting = held.filter(({ counts }) => counts);
    await Promise.all(
      counting.map(({ ticket }) => this.limits.force(ticket.limit!.key, ticket.id)),
    );
  }
}
