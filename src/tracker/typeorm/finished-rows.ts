import type { FinishedJobs } from '../retention-keeper.js';
import type { Filing } from './filing.js';
import type { Database, JobStore } from './job-store.js';
import { WENT_WRONG } from './tables.js';

/** The rows of jobs that are over. */
export class FinishedRows implements FinishedJobs {
  constructor(
    private readonly db: Database,
    private readonly jobs: JobStore,
    private readonly filing: Filing,
  ) {}

  async due(ends: { completed: number; failed: number }, limit: number): Promise<string[]> {
    await this.filing.file();
    // The first condition finds them by the index, the second among what that gives.
    return this.#ids(
      `AND finished_at <= ? AND ((state = 'completed' AND finished_at <= ?) OR ` +
        `(${WENT_WRONG} AND finished_at <= ?)) ORDER BY finished_at LIMIT ${limit}`,
      [Math.max(ends.completed, ends.failed), ends.completed, ends.failed],
    );
  }

  /** Counted first: the index is counted much faster than its rows are looked up, to step over the latest of them. */
  async tooMany(count: number, limit: number): Promise<string[]> {
    const { connections, tables, dialect } = this.db;
    const { rows } = await connections.run(
      `SELECT COUNT(*) AS jobs FROM ${tables.job} WHERE ${dialect.filed}`,
    );
    const excess = Math.min(Number(rows[0]!['jobs']) - count, limit);
    if (excess <= 0) return [];
    return this.#ids(`ORDER BY finished_at, id LIMIT ${excess}`, []);
  }

  /** Each by its own index: the first of them is found without a look at the others. */
  async oldest(): Promise<{ completed: number; failed: number }> {
    const { connections } = this.db;
    const sql = `SELECT ${this.#first(`state = 'completed'`)} AS completed, ${this.#first(WENT_WRONG)} AS failed`;
    const [row] = (await connections.run(sql)).rows;
    const timeOf = (value: unknown): number => (value === null ? Infinity : Number(value));
    return { completed: timeOf(row!['completed']), failed: timeOf(row!['failed']) };
  }

  #first(which: string): string {
    const { tables, dialect } = this.db;
    return `(SELECT MIN(finished_at) FROM ${tables.job} WHERE ${dialect.filed} AND ${which})`;
  }

  forget(ids: readonly string[]): Promise<void> {
    return this.jobs.forget(ids);
  }

  async #ids(which: string, values: readonly unknown[]): Promise<string[]> {
    const { connections, tables, dialect } = this.db;
    const sql = `SELECT id FROM ${tables.job} WHERE ${dialect.filed} ${which}`;
    const { rows } = await connections.run(sql, values);
    return rows.map((row) => row['id'] as string);
  }
}
