import type { Clock } from '../../job/clock.js';
import { Fifo } from '../../output/fifo.js';
import type { Retention } from '../job-tracker.js';

interface Finished {
  readonly id: string;
  readonly finishedAt: number;
  readonly dueAt: number;
  /** The job runs again, so its place stands for nothing. */
  isVoid: boolean;
}

/** Finished jobs in the order of their end, and one timer for the next whose time is over. */
export class RetentionLine {
  readonly #completed = new Fifo<Finished>();
  readonly #failed = new Fifo<Finished>();
  /** The places of those that may yet run again. */
  readonly #placesOfFailed = new Map<string, Finished>();
  #voidPlaces = 0;
  #timer: { dueAt: number; stop: () => void } | undefined;

  constructor(
    private readonly clock: Clock,
    private readonly retention: Retention,
    private readonly purge: (id: string) => void,
  ) {}

  add(id: string, state: 'completed' | 'failed', finishedAt: number): void {
    const place = { id, finishedAt, dueAt: finishedAt + this.retention[state], isVoid: false };
    this.#lineOf(state).push(place);
    if (state === 'failed') this.#placesOfFailed.set(id, place);
    if (this.#length > this.retention.count) this.#purgeOldest();
    this.#arm();
  }

  /** The job runs again, and comes back when it is over. */
  take(id: string): void {
    const place = this.#placesOfFailed.get(id);
    if (!place) return;
    place.isVoid = true;
    this.#voidPlaces += 1;
    this.#placesOfFailed.delete(id);
  }

  close(): void {
    this.#timer?.stop();
    this.#timer = undefined;
  }

  get #length(): number {
    return this.#completed.length + this.#failed.length - this.#voidPlaces;
  }

  #lineOf(state: 'completed' | 'failed'): Fifo<Finished> {
    return state === 'completed' ? this.#completed : this.#failed;
  }

  #purgeOldest(): void {
    while (this.#length > this.retention.count) {
      const completed = this.#completed.peek()?.finishedAt ?? Infinity;
      const failed = this.#failed.peek()?.finishedAt ?? Infinity;
      this.#purgeFirst(completed <= failed ? this.#completed : this.#failed);
    }
  }

  #purgeFirst(line: Fifo<Finished>): void {
    const finished = line.shift();
    if (!finished) return;
    if (finished.isVoid) {
      this.#voidPlaces -= 1;
      return;
    }
    this.#placesOfFailed.delete(finished.id);
    this.purge(finished.id);
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
