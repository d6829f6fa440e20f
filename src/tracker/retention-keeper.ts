import type { Clock } from '../job/clock.js';
import type { JobRecord } from '../job/job.js';
import type { Retention } from './job-tracker.js';

/** How many jobs are removed at once. */
const BATCH = 500;
/** How soon after a job's end it is seen whether there are too many, and how often other processes' jobs are seen to. */
const SOON = 1_000;
const REGULARLY = 60_000;

/** The jobs of a store that are over, whichever process ended them. */
export interface FinishedJobs {
  /** Those that ended at these times or before, in ms since 1970; the oldest first. */
  due(ends: { completed: number; failed: number }, limit: number): Promise<readonly string[]>;
  /** Those that are older than the latest `count`. */
  tooMany(count: number, limit: number): Promise<readonly string[]>;
  /** When the oldest ended; Infinity where there is none. */
  oldest(): Promise<{ completed: number; failed: number }>;
  forget(ids: readonly string[]): Promise<void>;
  /** Called about once a minute, for what else is to be put in order. */
  tidy?(): Promise<void>;
}

/** Removes finished jobs whose time is over, or of which there are too many, batch by batch. */
export class RetentionKeeper {
  #timer: { readonly at: number; readonly stop: () => void } | undefined;
  #closed = false;
  #purging: Promise<void> | undefined;

  constructor(
    private readonly jobs: FinishedJobs,
    private readonly clock: Clock,
    private readonly retention: Retention,
    private readonly failed: (error: unknown) => void,
  ) {
    this.#purgeIn(REGULARLY);
  }

  /** A job has ended. */
  finished({ state }: JobRecord): void {
    const kept = this.retention[state === 'completed' ? 'completed' : 'failed'];
    const isBounded = this.retention.count !== Infinity;
    this.#purgeIn(isBounded ? Math.min(kept, SOON) : kept);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#timer?.stop();
    await this.#purging;
  }

  #purgeIn(wait: number): void {
    const at = this.clock.now() + wait;
    if (this.#closed || at >= (this.#timer?.at ?? Infinity)) return;
    this.#timer?.stop();
    this.#timer = { at, stop: this.clock.after(wait, () => this.#purgeNow()) };
  }

  #purgeNow(): void {
    this.#timer = undefined;
    this.#purging = this.#purge()
      .then((nextDue) => this.#purgeIn(nextDue))
      .then(() => (this.#closed ? undefined : this.jobs.tidy?.()))
      .catch(this.failed);
    void this.#purging.then(() => this.#purgeIn(REGULARLY));
  }

  /** @returns When the next job is due, in ms from now. */
  async #purge(): Promise<number> {
    for (;;) {
      const ids = [...(await this.#due()), ...(await this.#tooMany())];
      await this.jobs.forget(ids);
      if (this.#closed) return Infinity;
      const wait = ids.length < BATCH ? await this.#untilNextDue() : 0;
      if (wait > 0) return wait;
    }
  }

  async #due(): Promise<readonly string[]> {
    const now = this.clock.now();
    const { completed, failed } = this.retention;
    return this.jobs.due({ completed: now - completed, failed: now - failed }, BATCH);
  }

  async #tooMany(): Promise<readonly string[]> {
    const { count } = this.retention;
    return count === Infinity ? [] : this.jobs.tooMany(count, BATCH);
  }

  async #untilNextDue(): Promise<number> {
    const { completed, failed } = await this.jobs.oldest();
    const dueAt = Math.min(completed + this.retention.completed, failed + this.retention.failed);
    return Math.max(0, dueAt - this.clock.now());
  }
}
