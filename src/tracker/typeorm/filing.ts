import type { Clock } from '../../job/clock.js';
import { FINISHED } from './tables.js';
import { list } from './dialect.js';
import type { Database } from './job-store.js';

/** How many are filed with one statement, which nobody else can write during, and after how many ms at the latest. */
const LOT = 250;
const SOON = 1_000;

/**
 * Where one writes at a time, the mark "completed" leaves its row the owner: neither the index of owners nor that of ends
 * is touched within the job's transaction, which writes half as many pages so. The owner is taken from many rows at once
 * a little later, and only then retention counts them. What a process that died had not filed yet is filed by whoever
 * takes over its jobs.
 */
export class Filing {
  #ids: string[] = [];
  #filing: Promise<void> | undefined;
  #stop: (() => void) | undefined;

  constructor(
    private readonly db: Database,
    private readonly clock: Clock,
    private readonly failed: (error: unknown) => void,
  ) {}

  /** A job of this process is completed, or about to be. */
  add(id: string): void {
    if (!this.db.dialect.filesLater) return;
    this.#ids.push(id);
    if (this.#ids.length === LOT) this.#start();
    else this.#stop ??= this.clock.after(SOON, () => this.#start());
  }

  /** Files what there is. */
  async file(): Promise<void> {
    this.#stop?.();
    this.#stop = undefined;
    await (this.#filing ??= this.#fileAll().finally(() => (this.#filing = undefined)));
  }

  /** Everything of certain owners, whoever had noted it. */
  async fileOf(owners: string, values: readonly unknown[]): Promise<void> {
    const { connections, tables, dialect } = this.db;
    if (!dialect.filesLater) return;
    const those = `${owners} AND ${FINISHED}`;
    const found = await connections.run(
      `SELECT 1 FROM ${tables.job} WHERE ${those} LIMIT 1`,
      values,
    );
    if (found.rows.length === 0) return;
    await connections.run(`UPDATE ${tables.job} SET owner = NULL WHERE ${those}`, values);
  }

  async close(): Promise<void> {
    this.#stop?.();
    await this.#filing?.catch(() => undefined);
    await this.fileOf('owner = ?', [this.db.owner]);
  }

  #start(): void {
    this.file().catch(this.failed);
  }

  async #fileAll(): Promise<void> {
    for (let lot = this.#next(); lot.length > 0; lot = this.#next()) {
      try {
        await this.#fileLot(lot);
      } catch (error) {
        this.#ids.unshift(...lot);
        throw error;
      }
    }
  }

  #next(): string[] {
    return this.#ids.splice(0, LOT);
  }

  /** One whose transaction was rolled back after all is still unfinished, and keeps its owner. */
  async #fileLot(ids: readonly string[]): Promise<void> {
    const { connections, tables } = this.db;
    const those = `id IN (${list(ids)}) AND ${FINISHED}`;
    await connections.run(`UPDATE ${tables.job} SET owner = NULL WHERE ${those}`, ids);
  }
}
