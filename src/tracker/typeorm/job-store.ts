import type { JobProgress, JobRecord, JobState } from '../../job/job.js';
import { TRANSITIONS, type JobChange } from '../../job/state-machine.js';
import type { JobQuery, OpenTransaction } from '../job-tracker.js';
import type { Connections, Run } from './connections.js';
import type { Dialect } from './dialect.js';
import { jsonFor, RECORD_COLUMNS, recordOf, recordSelection, valuesOf } from './job-row.js';
import type { TableNames } from './tables.js';

/** The owner of jobs that were handed back: no process. */
export const NOBODY = '00000000-0000-0000-0000-000000000000';

/** What statements are made of. */
export interface Database {
  readonly connections: Connections;
  readonly dialect: Dialect;
  readonly tables: TableNames;
  /** The process, as the owner of jobs. */
  readonly owner: string;
}

interface Assignment {
  readonly sql: string;
  readonly values: readonly unknown[];
}

/** Jobs in their table. A change is one statement, which admits what the state machine admits. */
export class JobStore {
  readonly #selection: string;

  constructor(private readonly db: Database) {
    this.#selection = recordSelection(db.dialect);
  }

  async create(record: JobRecord, transaction?: OpenTransaction): Promise<void> {
    const { tables, dialect, owner } = this.db;
    const columns = [...RECORD_COLUMNS, 'owner'];
    const sql = `INSERT INTO ${tables.job} (${columns.join(', ')}) VALUES (${list(columns)})`;
    await this.#runIn(transaction)(sql, [...valuesOf(record, dialect), owner]);
  }

  async forget(ids: readonly string[]): Promise<void> {
    const { tables, connections } = this.db;
    if (ids.length === 0) return;
    await connections.run(`DELETE FROM ${tables.output} WHERE job_id IN (${list(ids)})`, ids);
    await connections.run(`DELETE FROM ${tables.job} WHERE id IN (${list(ids)})`, ids);
  }

  async change(
    id: string,
    change: JobChange,
    attempt: number | undefined,
    transaction: OpenTransaction | undefined,
  ): Promise<JobRecord | undefined> {
    const { tables, dialect } = this.db;
    const { from, to } = transition(change.type);
    const set = this.#assignment(change);
    const where = `id = ? AND state IN (${from})${attempt === undefined ? '' : ' AND attempt = ?'}`;
    const sql = `UPDATE ${tables.job} SET state = '${to}', ${set.sql} WHERE ${where}`;
    const values = [...set.values, id, ...(attempt === undefined ? [] : [attempt])];
    const run = this.#runIn(transaction);
    if (!dialect.returns) return (await run(sql, values)).changed ? this.find(id, run) : undefined;
    const [row] = (await run(`${sql} RETURNING ${this.#selection}`, values)).rows;
    return row && recordOf(row);
  }

  /** Does nothing where the attempt is no longer the current one, or no longer this process's. */
  async setProgress(id: string, attempt: number, progress: JobProgress, run: Run): Promise<void> {
    const { tables, dialect, owner } = this.db;
    await run(
      `UPDATE ${tables.job} SET progress = ? WHERE id = ? AND state = 'running' AND attempt = ? AND owner = ?`,
      [jsonFor(progress, dialect), id, attempt, owner],
    );
  }

  async find(id: string, run: Run = this.db.connections.run): Promise<JobRecord | undefined> {
    const sql = `SELECT ${this.#selection} FROM ${this.db.tables.job} WHERE id = ?`;
    const [row] = (await run(sql, [id])).rows;
    return row && recordOf(row);
  }

  async list({ state, name, parentId, limit = 100, before }: JobQuery): Promise<JobRecord[]> {
    const conditions = {
      ...{ 'state = ?': state, 'name = ?': name, 'parent_id = ?': parentId, 'id < ?': before },
    };
    const given = Object.entries(conditions).filter(([, value]) => value !== undefined);
    const where = given.length > 0 ? `WHERE ${given.map(([sql]) => sql).join(' AND ')}` : '';
    const sql =
      `SELECT ${this.#selection} FROM ${this.db.tables.job} ${where} ` +
      `ORDER BY id DESC LIMIT ${Math.min(limit, Number.MAX_SAFE_INTEGER)}`;
    const values = given.map(([, value]) => value);
    const { rows } = await this.db.connections.run(sql, values);
    return rows.map(recordOf);
  }

  async counts(): Promise<Record<JobState, number>> {
    const counts = { scheduled: 0, queued: 0, running: 0, completed: 0, failed: 0, cancelled: 0 };
    const sql = `SELECT state, COUNT(*) AS jobs FROM ${this.db.tables.job} GROUP BY state`;
    const { rows } = await this.db.connections.run(sql);
    for (const row of rows) counts[row['state'] as JobState] = Number(row['jobs']);
    return counts;
  }

  #runIn(transaction: OpenTransaction | undefined): Run {
    const { connections } = this.db;
    if (!transaction) return connections.run;
    return (sql, parameters) => connections.runOn(transaction, sql, parameters);
  }

  /** What `applyChange` does to a record, beside its state. */
  #assignment(change: JobChange): Assignment {
    const { dialect, owner } = this.db;
    switch (change.type) {
      case 'enqueue':
        return { sql: 'run_at = NULL', values: [] };
      case 'start':
        return {
          sql: 'attempt = attempt + 1, started_at = ?, progress = NULL, error = NULL, owner = ?',
          values: [change.at, owner],
        };
      case 'complete':
        return {
          sql: 'finished_at = ?, result = ?, owner = NULL',
          values: [change.at, jsonFor(change.result, dialect)],
        };
      case 'fail':
      case 'cancel':
        return {
          sql: 'finished_at = ?, error = ?, owner = NULL',
          values: [change.at, jsonFor(change.error, dialect)],
        };
      case 'reschedule':
        return {
          sql: 'error = ?, run_at = ?',
          values: [jsonFor(change.error, dialect), change.runAt ?? null],
        };
      case 'retry':
        return {
          sql: 'started_at = NULL, finished_at = NULL, progress = NULL, owner = ?',
          values: [owner],
        };
      case 'release':
        return { sql: 'progress = NULL, owner = ?', values: [NOBODY] };
    }
  }
}

/** So many placeholders. */
export function list(values: readonly unknown[]): string {
  return values.map(() => '?').join(', ');
}

function transition(type: JobChange['type']): { from: string; to: JobState } {
  const states = Object.entries(TRANSITIONS).filter(([, changes]) => changes[type]);
  const to = states[0]?.[1][type];
  if (!to) throw new TypeError(`No state admits the change ${type}.`);
  return { from: states.map(([state]) => `'${state}'`).join(', '), to };
}
