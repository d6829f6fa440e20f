import type { DataSourceLike } from './data-source-like.js';
import type { ColumnShape } from './tables.js';

export type Row = Readonly<Record<string, unknown>>;

/** What a statement gave: rows where it reads or returns, else how many it changed. */
export interface Outcome {
  readonly rows: readonly Row[];
  readonly changed: number;
}

export interface Statement {
  readonly sql: string;
  readonly values: readonly unknown[];
}

/** Where SQL differs from database to database. Statements are written with `?`. */
export interface Dialect {
  /** Whether one writes at a time: while a job's transaction is open, nothing else is stored. */
  readonly hasOneWriter: boolean;
  /** Whether what is completed is filed afterwards, many at a time: where the pages that a transaction writes are dear. */
  readonly filesLater: boolean;
  /** What is in the index of what has ended, in words by which it is found. */
  readonly filed: string;
  /** Whether it tells one process what another one did. */
  readonly pushes: boolean;
  /** Whether UPDATE gives back rows. */
  readonly returns: boolean;
  /** The time of the database, in ms since 1970. */
  readonly now: string;
  /** Appended to a SELECT, so that its rows keep still until the end of the statement. */
  readonly lockShared: string;
  /** Appended to a SELECT, so that no other process gets the same rows. */
  readonly claim: string;
  /** Whether its driver lets statements be kept prepared on a connection. */
  readonly keepsPrepared: boolean;
  quote(name: string): string;
  /** Puts the placeholders as the driver has them. */
  statement(sql: string): string;
  /** A column of JSON as its text. */
  text(column: string): string;
  /** The text of some JSON, as it is stored. */
  storable(json: string): string;
  /** A value within a statement; given where a statement can be run with the COMMIT. */
  literal?(value: unknown): string;
  /** A placeholder where the database would not find out its type. */
  typed(type: 'integer' | 'json'): string;
  /** A condition: the same text for any number of values, where statements are kept prepared. */
  isOneOf(column: string, values: readonly string[]): Statement;
  /** Rows as one statement. */
  insert(
    table: string,
    columns: Readonly<Record<string, ColumnShape>>,
    rows: readonly Row[],
  ): Statement;
  /** An INSERT that replaces `column` where the row is there. */
  upsert(table: string, key: string, column: string, value: string): string;
  /** What `QueryRunner.query` gave. */
  outcome(raw: unknown): Outcome;
  /** Whether the statement did nothing and may be tried again: a deadlock, a database that is busy. */
  isTransient(error: unknown): boolean;
  /** Whether the error says that a table is not there. */
  isMissingTable(error: unknown): boolean;
  /** The options of the tracker's own connections. */
  ownOptions(options: DataSourceLike['options'], connections: number): object;
}

const NO_ROWS: readonly Row[] = [];

/** For a result that is a list of rows, or of anything else. */
export function rowsOf(raw: unknown): readonly Row[] {
  return Array.isArray(raw) ? (raw as Row[]) : NO_ROWS;
}

export function codeOf(error: unknown): unknown {
  const { code, errno, driverError } = (error ?? {}) as Record<string, unknown>;
  return code ?? errno ?? (driverError === undefined ? undefined : codeOf(driverError));
}

/** Connections that know no entities, run no migrations and change no schema. */
export function bareOptions(options: DataSourceLike['options']): Record<string, unknown> {
  return {
    ...options,
    ...{ entities: [], subscribers: [], migrations: [], cache: false, logging: false },
    ...{ synchronize: false, migrationsRun: false, dropSchema: false },
  };
}

/** As every database knows it. */
export function isOneOf(column: string, values: readonly string[]): Statement {
  return { sql: `${column} IN (${list(values)})`, values };
}

/** As every database knows it: a placeholder for each value. */
export function insertValues(
  table: string,
  columns: Readonly<Record<string, ColumnShape>>,
  rows: readonly Row[],
): Statement {
  const names = Object.keys(columns);
  const row = `(${names.map(() => '?').join(', ')})`;
  const sql = `INSERT INTO ${table} (${names.join(', ')}) VALUES ${rows.map(() => row).join(', ')}`;
  return { sql, values: rows.flatMap((given) => names.map((name) => given[name] ?? null)) };
}

/** A column of JSON as its text, under its own name. */
export function jsonText(dialect: Dialect, column: string): string {
  return `${dialect.text(column)} AS ${column}`;
}

/** So many placeholders. */
export function list(values: readonly unknown[]): string {
  return values.map(() => '?').join(', ');
}
