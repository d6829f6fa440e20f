import type { JobActivity, JobProgress, JobRecord, JobState } from '../../job/job.js';
import { isFinal, type JobChange } from '../../job/state-machine.js';
import { JobDeadlockError } from '../../errors/deadlock.error.js';
import { isConnectionLost } from '../../transaction/lost-connection.js';
import type { JobQuery, LastStatement, OpenTransaction } from '../job-tracker.js';
import { assignmentOf, transition, type Assignment } from './change-sql.js';
import type { Connections, Run } from './connections.js';
import { list, type Dialect, type Row, type Statement } from './dialect.js';
import {
  jsonFor,
  KEPT_BY_START,
  RECORD_COLUMNS,
  recordOf,
  recordSelection,
  rowOf,
} from './job-row.js';
import { GroupCommit } from './group-commit.js';
import { TABLES, OWNED, WENT_WRONG, type ColumnShape, type TableNames } from './tables.js';

/** One group on its way while the next gathers: the larger the groups, the fewer the commits. */
const GROUPING = { lanes: 1, size: 1000 };

/** What a statement fails with, run with a COMMIT that must not be. */
const REFUSAL = 'not the current attempt: ';

/** What statements are made of. */
export interface Database {
  readonly connections: Connections;
  readonly dialect: Dialect;
  readonly tables: TableNames;
  /** The process, as the owner of jobs. */
  readonly owner: string;
}

/** What a new row is given. */
const STORED_COLUMNS = Object.fromEntries(
  [...RECORD_COLUMNS, 'owner'].map((name) => [name, TABLES.job.columns[name]!]),
);

type MarkStatement = Pick<LastStatement, 'sql' | 'values' | 'literally'>;

interface Start {
  readonly id: string;
  readonly at: number;
}

/** Jobs in their table. A change is one statement, which admits what the state machine admits. */
export class JobStore {
  readonly #selection: string;
  readonly #startSelection: string;
  readonly #creations: GroupCommit<JobRecord, void>;
  readonly #creationsIn = new WeakMap<OpenTransaction, GroupCommit<JobRecord, void>>();
  readonly #starts: GroupCommit<Start, JobRecord | undefined>;
  /** As the driver has it. Kept, since it is the same for all jobs. */
  #markStatement: string | undefined;

  constructor(private readonly db: Database) {
    this.#selection = recordSelection(db.dialect);
    this.#startSelection = recordSelection(db.dialect, KEPT_BY_START);
    this.#creations = this.#creationsWith(db.connections.runOften);
    this.#starts = new GroupCommit(
      (starts) => this.#startAll(starts),
      GROUPING,
      (error) => error instanceof JobDeadlockError,
    );
  }

  create(record: JobRecord, transaction?: OpenTransaction): Promise<void> {
    return (transaction ? this.#creationsOf(transaction) : this.#creations).add(record);
  }

  #creationsOf(transaction: OpenTransaction): GroupCommit<JobRecord, void> {
    const known = this.#creationsIn.get(transaction);
    if (known) return known;
    const creations = this.#creationsWith(this.#runIn(transaction));
    this.#creationsIn.set(transaction, creations);
    return creations;
  }

  #creationsWith(run: Run): GroupCommit<JobRecord, void> {
    const insert = async (records: readonly JobRecord[]): Promise<[]> => {
      await this.#insert(records, run);
      return [];
    };
    return new GroupCommit(insert, GROUPING, (error) => !isConnectionLost(error));
  }

  async #insert(records: readonly JobRecord[], run: Run): Promise<void> {
    const { tables, dialect, owner } = this.db;
    const rows = records.map((record) => rowOf(record, owner, dialect));
    const { sql, values } = dialect.insert(tables.job, columnsIn(rows), rows);
    await run(
      sql,
      values,
      records.map(({ id }) => id),
    );
  }

  async forget(ids: readonly string[]): Promise<void> {
    const { tables, connections } = this.db;
    if (ids.length === 0) return;
    await connections.run(`DELETE FROM ${tables.output} WHERE job_id IN (${list(ids)})`, ids, ids);
    await connections.run(`DELETE FROM ${tables.job} WHERE id IN (${list(ids)})`, ids, ids);
  }

  change(
    id: string,
    change: JobChange,
    attempt: number | undefined,
    transaction: OpenTransaction | undefined,
  ): Promise<JobRecord | undefined> {
    const isStart = change.type === 'start' && this.db.dialect.returns;
    if (isStart) return this.#starts.add({ id, at: change.at });
    return this.#changeAlone(id, change, attempt, transaction);
  }

  async #changeAlone(
    id: string,
    change: JobChange,
    attempt: number | undefined,
    transaction: OpenTransaction | undefined,
  ): Promise<JobRecord | undefined> {
    const { dialect } = this.db;
    const { sql, values } = this.#changing(id, change, attempt);
    const run = this.#runIn(transaction);
    if (!dialect.returns) return (await run(sql, values)).changed ? this.find(id, run) : undefined;
    const [row] = (await run(`${sql} RETURNING ${this.#selection}`, values, [id])).rows;
    return row && recordOf(row);
  }

  #changing(id: string, change: JobChange, attempt: number | undefined): Statement {
    const { from, to } = transition(change.type);
    const set = assignmentOf(change, this.db);
    // What was taken over waits under the number of the attempt that was lost: that attempt must not end it.
    const fence = attempt === undefined ? '' : ` AND state = 'running' AND attempt = ?`;
    const where = `id = ? AND state IN (${from})${fence}`;
    const sql = `UPDATE ${this.db.tables.job} SET state = '${to}', activity = NULL, ${set.sql} WHERE ${where}`;
    return { sql, values: [...set.values, id, ...(attempt === undefined ? [] : [attempt])] };
  }

  /**
   * The mark "completed" as a statement for the COMMIT to be run with; it fails, or changes no row, where the attempt is
   * no longer the current one. `undefined` where the database has no such thing.
   */
  lastStatement(id: string, change: JobChange, attempt: number): MarkStatement | undefined {
    const { dialect } = this.db;
    if (dialect.hasOneWriter) return this.#changing(id, change, attempt);
    if (change.type !== 'complete' || !dialect.literal) return undefined;
    return this.#failingMark(id, change, attempt, dialect.literal);
  }

  /** A plain UPDATE with an error in it: a query around it, to count what it did, would take three times as long. */
  #failingMark(
    id: string,
    change: JobChange,
    attempt: number,
    literal: (value: unknown) => string,
  ): MarkStatement {
    const { connections } = this.db;
    const set = assignmentOf(change, this.db);
    const values = [attempt, ...set.values, id];
    const sql = (this.#markStatement ??= connections.statement(this.#markSql(change, set)));
    return {
      sql,
      values,
      literally: () => withLiterals(this.#markSql(change, set), values.map(literal)),
    };
  }

  #markSql({ type }: JobChange, set: Assignment): string {
    const { from, to } = transition(type);
    return (
      `UPDATE ${this.db.tables.job} SET state = CASE WHEN state IN (${from}) AND attempt = ? THEN '${to}' ` +
      `ELSE CAST(CAST('${REFUSAL}' || id AS integer) AS varchar) END, activity = NULL, ${set.sql} WHERE id = ?`
    );
  }

  isRefusal(error: unknown): boolean {
    return error instanceof Error && error.message.includes(REFUSAL);
  }

  async #startAll(starts: readonly Start[]): Promise<(JobRecord | undefined)[]> {
    const { tables, connections, dialect } = this.db;
    const { from, to } = transition('start');
    const at = Math.max(...starts.map((start) => start.at));
    const set = assignmentOf({ type: 'start', at }, this.db);
    const ids = starts.map(({ id }) => id);
    const isOneOfThem = dialect.isOneOf('id', ids);
    const { rows } = await connections.runOften(
      // Not plain `state`: a planner may take the index of states then, and read the whole line to start a few jobs of it.
      `UPDATE ${tables.job} SET state = '${to}', ${set.sql} WHERE ${isOneOfThem.sql} ` +
        `AND COALESCE(state, '') IN (${from}) RETURNING ${this.#startSelection}`,
      [...set.values, ...isOneOfThem.values],
      ids,
    );
    const started = new Map(rows.map((row) => [row['id'], row]));
    return ids.map((id) => {
      const row = started.get(id);
      // Where several ask for one start, one has it.
      started.delete(id);
      return row && recordOf({ ...row, state: to, started_at: at });
    });
  }

  /** Does nothing where the attempt is no longer the current one, or no longer this process's. */
  setProgress(id: string, attempt: number, progress: JobProgress, run: Run): Promise<void> {
    return this.#note('progress', progress, id, attempt, run);
  }

  /** The same fence. */
  setActivity(id: string, attempt: number, activity: JobActivity, run: Run): Promise<void> {
    return this.#note('activity', activity, id, attempt, run);
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
    const clauses = [...given.map(([sql]) => sql), ...indexOf(state)];
    const where = clauses.length > 0 ? `WHERE ${clauses.join(' AND ')}` : '';
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

  async #note(
    column: 'progress' | 'activity',
    value: object,
    id: string,
    attempt: number,
    run: Run,
  ): Promise<void> {
    const { tables, dialect, owner } = this.db;
    await run(
      `UPDATE ${tables.job} SET ${column} = ? WHERE id = ? AND state = 'running' AND attempt = ? AND owner = ?`,
      [jsonFor(value, dialect), id, attempt, owner],
    );
  }

  #runIn(transaction: OpenTransaction | undefined): Run {
    const { connections } = this.db;
    if (!transaction) return connections.run;
    return (sql, parameters) => connections.runOn(transaction, sql, parameters);
  }
}

/** A new job has neither times nor an outcome: to say so in each row costs as much as the rest of it. */
function columnsIn(rows: readonly Row[]): Readonly<Record<string, ColumnShape>> {
  const given = Object.entries(STORED_COLUMNS).filter(([name]) =>
    rows.some((row) => row[name] !== undefined),
  );
  return Object.fromEntries(given);
}

/** What an index has in it, in its own words: not every database sees that from a value. */
function indexOf(state: JobState | undefined): string[] {
  if (!state || state === 'completed') return [];
  return [isFinal(state) ? WENT_WRONG : OWNED];
}

function withLiterals(sql: string, literals: string[]): string {
  return sql.replaceAll('?', () => literals.shift()!);
}
