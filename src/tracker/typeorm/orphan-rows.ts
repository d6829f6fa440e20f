import type { JobRecord } from '../../job/job.js';
import type { Recovery } from '../job-tracker.js';
import type { Orphans } from '../orphan-finder.js';
import { recordOf, recordSelection } from './job-row.js';
import { NOBODY } from './change-sql.js';
import type { Filing } from './filing.js';
import { list } from './dialect.js';
import type { Database } from './job-store.js';
import type { Condition, Liveness } from './liveness.js';

/** How many jobs are taken over at once. */
const BATCH = 100;

export interface OrphanSettings {
  readonly db: Database;
  readonly liveness: Liveness;
  readonly recovery: Recovery;
  readonly filing: Filing;
}

/** The rows of unfinished jobs whose processes are no more. */
export class OrphanRows implements Orphans {
  constructor(private readonly settings: OrphanSettings) {}

  async *take(thoroughly: boolean): AsyncGenerator<JobRecord[]> {
    const { liveness, filing } = this.settings;
    const dead = await liveness.dead(thoroughly);
    await filing.fileOf(dead.sql, dead.values);
    const orphans = await this.#condition(unfinished(dead));
    for (let isMore = orphans !== undefined; isMore;) {
      const records = await this.#takeOver(orphans!);
      yield records;
      isMore = records.length === BATCH;
    }
  }

  async giveBack({ id }: JobRecord): Promise<void> {
    const { connections, tables, owner } = this.settings.db;
    const sql = `UPDATE ${tables.job} SET owner = '${NOBODY}' WHERE id = ? AND owner = ?`;
    await connections.run(sql, [id, owner]);
  }

  /** Which jobs to take: those that can be run here, and those that nobody can. */
  async #condition(dead: Condition): Promise<Condition | undefined> {
    const { db, recovery } = this.settings;
    const { rows } = await db.connections.run(
      `SELECT name, CASE WHEN invocation IS NULL THEN 1 ELSE 0 END AS lost FROM ${db.tables.job} ` +
        `WHERE ${dead.sql} GROUP BY name, CASE WHEN invocation IS NULL THEN 1 ELSE 0 END`,
      dead.values,
    );
    const lost = rows.some((row) => Number(row['lost']) === 1);
    const names = rows.filter((row) => Number(row['lost']) === 0).map((row) => String(row['name']));
    const known = names.filter((name) => recovery.knows(name));
    const unknown = names.filter((name) => !recovery.knows(name));
    if (unknown.length > 0) recovery.leaveAlone(unknown);
    const kinds = known.length > 0 ? [`(invocation IS NOT NULL AND name IN (${list(known)}))`] : [];
    if (lost) kinds.push('invocation IS NULL');
    if (kinds.length === 0) return undefined;
    return { sql: `${dead.sql} AND (${kinds.join(' OR ')})`, values: [...dead.values, ...known] };
  }

  async #takeOver(orphans: Condition): Promise<JobRecord[]> {
    const { dialect, owner } = this.settings.db;
    const { sql, values } = orphans;
    if (!dialect.returns) return this.#takeOverStepwise(orphans);
    const ids = `${this.#candidates(sql)}${dialect.claim}`;
    const returning = ` RETURNING ${recordSelection(dialect)}`;
    const { connections } = this.settings.db;
    const taken = await connections.run(
      `${this.#taking()} WHERE id IN (${ids}) AND ${sql}${returning}`,
      [owner, ...values, ...values],
    );
    return taken.rows.map(recordOf).sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  /** Fenced by the same condition, so that of two processes that saw the same jobs one gets each. */
  async #takeOverStepwise({ sql, values }: Condition): Promise<JobRecord[]> {
    const { connections, dialect, tables, owner } = this.settings.db;
    const { rows } = await connections.run(this.#candidates(sql), values);
    const ids = rows.map((row) => row['id']);
    if (ids.length === 0) return [];
    const among = `id IN (${list(ids)})`;
    await connections.run(`${this.#taking()} WHERE ${among} AND ${sql}`, [
      owner,
      ...ids,
      ...values,
    ]);
    const taken = await connections.run(
      `SELECT ${recordSelection(dialect)} FROM ${tables.job} WHERE ${among} AND owner = ? ORDER BY id`,
      [...ids, owner],
    );
    return taken.rows.map(recordOf);
  }

  #candidates(orphaned: string): string {
    return `SELECT id FROM ${this.settings.db.tables.job} WHERE ${orphaned} ORDER BY id LIMIT ${BATCH}`;
  }

  /** What the change `stall` does to a running job; one that waits goes on waiting. */
  #taking(): string {
    const { tables } = this.settings.db;
    return (
      `UPDATE ${tables.job} SET owner = ?, progress = NULL, activity = NULL, ` +
      // Before the state: MySQL shows what comes later the new one.
      `stalled = CASE state WHEN 'running' THEN COALESCE(stalled, 0) + 1 ELSE stalled END, ` +
      `state = CASE state WHEN 'running' THEN 'queued' ELSE state END`
    );
  }
}

/** Of a completed job nothing is left to be done, though it may not have been filed. */
function unfinished({ sql, values }: Condition): Condition {
  return { sql: `${sql} AND finished_at IS NULL`, values };
}
