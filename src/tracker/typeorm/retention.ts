import type { Clock } from '../../job/clock.js';
import type { JobRecord } from '../../job/job.js';
import type { Retention } from '../job-tracker.js';
import type { Database, JobStore } from './job-store.js';

/** How many jobs are removed with one statement. */
const BATCH = 500;
/** How soon after a job's end it is seen whether there are too many, and how often other processes' jobs are seen to. */
const SOON = 1_000;
const REGULARLY = 60_000;

/** Removes finished jobs whose time is over, or of which there are too many, batch by batch. */
export class RetentionKeeper {
  #timer: { readonly at: number; readonly stop: () => void } | undefined;
  #closed = false;
  #purging: Promise<void> | undefined;

  constructor(
    private readonly db: Database,
    private readonly jobs: JobStore,
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
    this.#purging = this.#purge().then((nextDue) => this.#purgeIn(nextDue), this.failed);
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

  async #due(): Promise<string[]> {
    const now = this.clock.now();
    return this.#ids(
      `WHERE (state = 'completed' AND finished_at <= ?) OR ` +
        `(state IN ('failed', 'cancelled') AND finished_at <= ?) ORDER BY finished_at LIMIT ${BATCH}`,
      [now - this.retention.completed, now - this.retention.failed],
    );
  }

  async #tooMany(): Promise<string[]> {
    const { count } = this.retention;
    if (count === Infinity) return [];
    return this.#ids(
      `WHERE finished_at IS NOT NULL ORDER BY finished_at DESC, id DESC LIMIT ${BATCH} OFFSET ${count}`,
      [],
    );
  }

  async #untilNextDue(): Promise<number> {
    const { connections, tables } = this.db;
    const { rows } = await connections.run(
      `SELECT state, MIN(finished_at) AS first FROM ${tables.job} WHERE finished_at IS NOT NULL GROUP BY state`,
    );
    const dueAt = rows.map((row) => {
      const kept = this.retention[row['state'] === 'completed' ? 'completed' : 'failed'];
      return Number(row['first']) + kept;
    });
    return Math.max(0, Math.min(...dueAt) - this.clock.now());
  }

  async #ids(where: string, values: readonly unknown[]): Promise<string[]> {
    const { connections, tables } = this.db;
    const { rows } = await connections.run(`SELECT id FROM ${tables.job} ${where}`, values);
    return rows.map((row) => row['id'] as string);
  }
}
