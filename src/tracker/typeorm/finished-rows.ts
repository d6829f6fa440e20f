import type { FinishedJobs } from '../retention-keeper.js';
import type { Database, JobStore } from './job-store.js';

/** The rows of jobs that are over. */
export class FinishedRows implements FinishedJobs {
  constructor(
    private readonly db: Database,
    private readonly jobs: JobStore,
  ) {}

  due(ends: { completed: number; failed: number }, limit: number): Promise<string[]> {
    return this.#ids(
      `WHERE (state = 'completed' AND finished_at <= ?) OR ` +
        `(state IN ('failed', 'cancelled') AND finished_at <= ?) ORDER BY finished_at LIMIT ${limit}`,
      [ends.completed, ends.failed],
    );
  }

  /** Counted first: the index is counted much faster than its rows are looked up, to step over the latest of them. */
  async tooMany(count: number, limit: number): Promise<string[]> {
    const { connections, tables } = this.db;
    const { rows } = await connections.run(
      `SELECT COUNT(*) AS jobs FROM ${tables.job} WHERE finished_at IS NOT NULL`,
    );
    const excess = Math.min(Number(rows[0]!['jobs']) - count, limit);
    if (excess <= 0) return [];
    return this.#ids(`WHERE finished_at IS NOT NULL ORDER BY finished_at, id LIMIT ${excess}`, []);
  }

  async oldest(): Promise<{ completed: number; failed: number }> {
    const { connections, tables } = this.db;
    const { rows } = await connections.run(
      `SELECT state, MIN(finished_at) AS first FROM ${tables.job} WHERE finished_at IS NOT NULL GROUP BY state`,
    );
    const oldest = { completed: Infinity, failed: Infinity };
    for (const row of rows) {
      const kind = row['state'] === 'completed' ? 'completed' : 'failed';
      oldest[kind] = Math.min(oldest[kind], Number(row['first']));
    }
    return oldest;
  }

  forget(ids: readonly string[]): Promise<void> {
    return this.jobs.forget(ids);
  }

  async #ids(where: string, values: readonly unknown[]): Promise<string[]> {
    const { connections, tables } = this.db;
    const { rows } = await connections.run(`SELECT id FROM ${tables.job} ${where}`, values);
    return rows.map((row) => row['id'] as string);
  }
}
