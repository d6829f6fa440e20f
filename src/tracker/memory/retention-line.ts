import type { Clock } from '../../job/clock.js';
import type { JobState } from '../../job/job.js';
import { Fifo } from '../../output/fifo.js';
import type { Retention } from '../job-tracker.js';

/** A job that is over. */
export interface FinishedJob {
  readonly state: JobState;
  readonly finishedAt: number | undefined;
}

/** The place of a job that may run again. */
interface Place<J> {
  readonly job: J;
  readonly finishedAt: number;
  /** The job runs again, so its place stands for nothing. */
  isVoid: boolean;
}

/** Finished jobs in the order of their end, and one timer for the next whose time is over. */
export class RetentionLine<J extends FinishedJob = FinishedJob> {
  /** For good: what they need to know of their place they have themselves. */
  readonly #completed = new Fifo<J>();
  readonly #failed = new Fifo<Place<J>>();
  readonly #placesOfFailed = new Map<J, Place<J>>();
  #voidPlaces = 0;
  #timer: { dueAt: number; stop: () => void } | undefined;

  constructor(
    private readonly clock: Clock,
    private readonly retention: Retention,
    private readonly purge: (job: J) => void,
  ) {}

  add(job: J): void {
    if (job.state === 'completed') this.#completed.push(job);
    else this.#addFailed(job);
    if (this.#length > this.retention.count) this.#purgeOldest();
    this.#arm();
  }

  /** The job runs again, and comes back when it is over. */
  take(job: J): void {
    const place = this.#placesOfFailed.get(job);
    if (!place) return;
    place.isVoid = true;
    this.#voidPlaces += 1;
    this.#placesOfFailed.delete(job);
  }

  close(): void {
    this.#timer?.stop();
    this.#timer = undefined;
  }

  get #length(): number {
    return this.#completed.length + this.#failed.length - this.#voidPlaces;
  }

  /** When the first of them ended; Infinity where there is none. */
  get #completedAt(): number {
    const first = this.#completed.peek();
    return first ? (first.finishedAt ?? 0) : Infinity;
  }

  get #failedAt(): number {
    return this.#failed.peek()?.finishedAt ?? Infinity;
  }

  get #dueAt(): number {
    const { completed, failed } = this.retention;
    return Math.min(this.#completedAt + completed, this.#failedAt + failed);
  }

  #addFailed(job: J): void {
    const place = { job, finishedAt: job.finishedAt ?? 0, isVoid: false };
    this.#failed.push(place);
    this.#placesOfFailed.set(job, place);
  }

  #purgeOldest(): void {
    while (this.#length > this.retention.count) {
      if (this.#completedAt <= this.#failedAt) this.#purgeCompleted();
      else this.#purgeFailed();
    }
  }

  #purgeCompleted(): void {
    const job = this.#completed.shift();
    if (job) this.purge(job);
  }

  #purgeFailed(): void {
    const place = this.#failed.shift();
    if (!place) return;
    if (place.isVoid) {
      this.#voidPlaces -= 1;
      return;
    }
    this.#placesOfFailed.delete(place.job);
    this.purge(place.job);
  }

  #arm(): void {
    const dueAt = this.#dueAt;
    if (dueAt >= (this.#timer?.dueAt ?? Infinity)) return;
    this.close();
    const wait = Math.max(0, dueAt - this.clock.now());
    this.#timer = { dueAt, stop: this.clock.after(wait, () => this.#purgeDue()) };
  }

  #purgeDue(): void {
    this.#timer = undefined;
    const now = this.clock.now();
    const { completed, failed } = this.retention;
    while (this.#completedAt + completed <= now) this.#purgeCompleted();
    while (this.#failedAt + failed <= now) this.#purgeFailed();
    this.#arm();
  }
}
