import type { DataSourceLike, DriverLike, QueryRunnerLike } from '../typeorm-shape.js';

/** A connection of better-sqlite3, sqlite3 or sql.js, as far as it is used. */
export interface NativeConnection {
  /** Of better-sqlite3 alone. */
  readonly inTransaction?: boolean;
  /** Of better-sqlite3 alone. */
  readonly open?: boolean;
  /** Of better-sqlite3 alone: whether the database is in no file. */
  readonly memory?: boolean;
  pragma?(source: string, options?: { simple: boolean }): unknown;
  /** Of better-sqlite3 alone in this form. */
  prepare?(sql: string): NativeStatement;
  /** Of sqlite3 alone. */
  interrupt?(): void;
  /** Only sqlite3 calls back. */
  close(done?: (error: Error | null) => void): unknown;
}

/** A statement of better-sqlite3: it has run when `run` or `all` returns. */
export interface NativeStatement {
  /** Whether it gives rows. */
  readonly reader: boolean;
  all(...values: readonly unknown[]): unknown[];
  run(...values: readonly unknown[]): { readonly changes: number };
}

export interface SqliteDriverLike extends DriverLike {
  readonly options: { readonly database?: unknown; readonly readonly?: boolean };
  /** The package: better-sqlite3, sqlite3 or sql.js. */
  readonly sqlite?: object;
  databaseConnection: NativeConnection;
  /** The one that TypeORM hands out to everybody. */
  queryRunner?: QueryRunnerLike | undefined;
  readonly attachedDatabases?: Readonly<Record<string, AttachedDatabase>>;
  createDatabaseConnection(): Promise<NativeConnection>;
  disconnect(): Promise<void>;
}

export interface AttachedDatabase {
  readonly attachFilepathAbsolute: string;
  readonly attachHandle: string;
}

/** The query runner of TypeORM for SQLite: it keeps its state in fields, and its prepared statements. */
export interface SqliteRunner extends QueryRunnerLike {
  readonly driver: SqliteDriverLike;
  transactionDepth: number;
  broadcaster: object;
  /** Of subscribers, for each other. */
  data: object;
  stmtCache?: Map<string, unknown>;
  /** Of sql.js alone: whether there is something to save in its file. */
  isDirty?: boolean;
  flush?(): Promise<void>;
}

const FILE_TYPES = new Set(['better-sqlite3', 'sqlite']);
const TYPES = new Set([
  ...FILE_TYPES,
  ...['sqljs', 'expo', 'cordova', 'capacitor', 'nativescript', 'react-native'],
]);

export function isSqlite({ options }: DataSourceLike): boolean {
  return TYPES.has(options.type);
}

/** Whether other connections to the same database can be had: it is in a file, by a path. */
export function isFile({ options, driver }: DataSourceLike): boolean {
  const { database } = options;
  if (!FILE_TYPES.has(options.type) || typeof database !== 'string') return false;
  if ((driver as SqliteDriverLike).databaseConnection?.memory) return false;
  return database !== '' && database !== ':memory:' && !database.startsWith('file:');
}

/** The code of SQLite's error, under TypeORM's wrapping. */
export function sqliteCode(error: unknown): string {
  const { code, driverError } = (error ?? {}) as { code?: unknown; driverError?: unknown };
  if (typeof code === 'string') return code;
  return driverError ? sqliteCode(driverError) : '';
}
