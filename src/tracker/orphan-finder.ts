import { clearTimeout, setTimeout } from 'node:timers';
import type { JobRecord } from '../job/job.js';
import type { Recovery } from './job-tracker.js';

/** Every so many looks is a thorough one, as the first is. */
const THOROUGH = 15;

/** The unfinished jobs of processes that are no more, as a store has them. */
export interface Orphans {
  /**
   * Takes over what can be run here and what nobody can, batch by batch.
   * @param thoroughly Also of processes of which nothing is left but their jobs.
   */
  take(thoroughly: boolean): AsyncIterable<readonly JobRecord[]>;
  /** One that was taken over could not be taken on. */
  giveBack(record: JobRecord): Promise<void>;
}

export interface FinderSettings {
  readonly orphans: Orphans;
  readonly recovery: Recovery;
  /** Between two looks, in ms. */
  readonly interval: number;
  failed(error: unknown): void;
}

/** Looks for unfinished jobs of processes that are no more, takes them over, and has them run again. */
export class OrphanFinder {
  #timer: NodeJS.Timeout | undefined;
  #looks = 0;
  #looking: Promise<void> = Promise.resolve();
  /** The last look has failed, and that was said. */
  #isAway = false;
  #closed = false;

  constructor(private readonly settings: FinderSettings) {
    this.#lookAfter(0);
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#looking;
  }

  #lookAfter(wait: number): void {
    if (this.#closed) return;
    this.#timer = setTimeout(() => {
      this.#looking = this.#look().then(
        () => void (this.#isAway = false),
        (error: unknown) => this.#sayOnce(error),
      );
      void this.#looking.then(() => this.#lookAfter(this.settings.interval));
    }, wait);
    this.#timer.unref();
  }

  /** A store that is away is so at each look. */
  #sayOnce(error: unknown): void {
    if (!this.#closed && !this.#isAway) this.settings.failed(error);
    this.#isAway = true;
  }

  async #look(): Promise<void> {
    for await (const records of this.settings.orphans.take(this.#looks++ % THOROUGH === 0)) {
      await Promise.all(records.map((record) => this.#revive(record)));
      if (this.#closed) return;
    }
  }

  async #revive(record: JobRecord): Promise<void> {
    try {
      await this.settings.recovery.revive(record);
    } catch (error) {
      await this.settings.orphans.giveBack(record);
      this.settings.failed(error);
    }
  }
}
