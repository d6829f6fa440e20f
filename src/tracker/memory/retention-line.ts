import type { Clock } from '../../job/clock.js';
import { Fifo } from '../../output/fifo.js';
import type { Retention } from '../job-tracker.js';

interface Finished {
  readonly id: string;
  readonly finishedAt: number;
  readonly dueAt: number;
}

/** Finished jobs in the order of their end, and one timer for the next whose time is over. */
export class RetentionLine {
  readonly #completed = new Fifo<Finished>();
  readonly #failed = new Fifo<Finished>();
  #timer: { dueAt: number; stop: () => void } | undefined;

  constructor(
    private readonly clock: Clock,
    private readonly retention: Retention,
    private readonly purge: (id: string) => void,
  ) {}

  add(id: string, state: 'completed' | 'failed', finishedAt: number): void {
    const dueAt = finishedAt + this.retention[state];
    this.#lineOf(state).push({ id, finishedAt, dueAt });
    if (this.#completed.length + this.#failed.length > this.retention.count) this.#purgeOldest();
    this.#arm();
  }

  close(): void {
    this.#timer?.stop();
    this.#timer = undefined;
  }

  #lineOf(state: 'completed' | 'failed'): Fifo<Finished> {
    return state === 'completed' ? this.#completed : this.#failed;
  }

  #purgeOldest(): void {
    const completed = this.#completed.peek()?.finishedAt ?? Infinity;
    const failed = this.#failed.peek()?.finishedAt ?? Infinity;
    this.#purgeFirst(completed <= failed ? this.#completed : this.#failed);
  }

  #purgeFirst(line: Fifo<Finished>): void {
    const finished = line.shift();
    if (finished) this.purge(finished.id);
  }

  #arm(): void {
    const dueAt = Math.min(
      this.#completed.peek()?.dueAt ?? Infinity,
      this.#failed.peek()?.dueAt ?? Infinity,
    );
    if (dueAt >= (this.#timer?.dueAt ?? Infinity)) return;
    this.close();
    const wait = Math.max(0, dueAt - this.clock.now());
    this.#timer = { dueAt, stop: this.clock.after(wait, () => this.#purgeDue()) };
  }

  #purgeDue(): void {
    this.#timer = undefined;
    const now = this.clock.now();
    for (const line of [this.#completed, this.#failed]) {
      while ((line.peek()?.dueAt ?? Infinity) <= now) this.#purgeFirst(line);
    }
    this.#arm();
  }
}
