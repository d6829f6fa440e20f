import type { Clock } from '../../job/clock.js';
import type { Row } from './dialect.js';
import { list, type Database } from './job-store.js';

/** How often the jobs that somebody watches are looked at, for what other processes did to them; in ms. */
const INTERVAL = 1_000;

interface Watched {
  readonly wakes: Set<() => void>;
  seen: string | undefined;
}

/** Who is to be told of changes: at once of those in this process, after a second at most of others'. */
export class Watchers {
  readonly #watched = new Map<string, Watched>();
  #db: Database | undefined;
  #stopTimer: (() => void) | undefined;
  #closed = false;

  constructor(private readonly clock: Clock) {}

  connect(db: Database): void {
    this.#db = db;
  }

  watch(id: string, wake: () => void): () => void {
    const watched = this.#watched.get(id) ?? { wakes: new Set(), seen: undefined };
    this.#watched.set(id, watched);
    // A function of its own, so that one reader who watches twice is two watchers.
    const own = (): void => wake();
    watched.wakes.add(own);
    this.#lookLater();
    return () => this.#leave(id, watched, own);
  }

  /** Something of the job has changed in this process. */
  wake(id: string): void {
    this.#watched.get(id)?.wakes.forEach((wake) => wake());
  }

  close(): void {
    this.#closed = true;
    this.#stopTimer?.();
  }

  #leave(id: string, watched: Watched, wake: () => void): void {
    watched.wakes.delete(wake);
    if (watched.wakes.size > 0 || this.#watched.get(id) !== watched) return;
    this.#watched.delete(id);
    if (this.#watched.size > 0) return;
    this.#stopTimer?.();
    this.#stopTimer = undefined;
  }

  #lookLater(): void {
    if (this.#closed || this.#watched.size === 0) return;
    this.#stopTimer ??= this.clock.after(INTERVAL, () => {
      // A database that does not answer is somebody else's to report: whoever reads from it next.
      void this.#look()
        .catch(() => undefined)
        .then(() => {
          this.#stopTimer = undefined;
          this.#lookLater();
        });
    });
  }

  async #look(): Promise<void> {
    if (!this.#db) return;
    const { connections, dialect, tables } = this.#db;
    const ids = [...this.#watched.keys()];
    const { rows } = await connections.run(
      `SELECT id, state, attempt, ${dialect.jsonText('progress')}, (SELECT MAX(last_seq) FROM ${tables.output} ` +
        `WHERE job_id = id) AS last_seq FROM ${tables.job} WHERE id IN (${list(ids)})`,
      ids,
    );
    const found = new Map(rows.map((row) => [row['id'], row]));
    for (const id of ids) this.#compare(id, found.get(id));
  }

  #compare(id: string, row: Row | undefined): void {
    const watched = this.#watched.get(id);
    const now = row ? JSON.stringify(Object.values(row)) : 'gone';
    if (!watched || watched.seen === now) return;
    watched.seen = now;
    this.wake(id);
  }
}
