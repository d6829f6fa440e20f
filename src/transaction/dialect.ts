import { withoutComments } from './comments.js';
import type { DataSourceLike, IsolationLevel } from './typeorm-shape.js';

/** What a job's transaction must know of a kind of database. */
export interface Dialect {
  /** What is asked for where the job does not ask; `asked` is what its DataSource asks for. */
  isolationFor(asked: IsolationLevel | undefined): IsolationLevel | undefined;
  /** The isolation, where it shows a snapshot; `undefined` where every statement sees what is committed by then. */
  snapshotOf(isolation: IsolationLevel | undefined): string | undefined;
  /** Whether the transaction cannot be committed after this error of a statement. */
  spoils(error: unknown): boolean;
  /** Whether no later rollback to a savepoint mends it: the database has rolled back everything. */
  isLost(error: unknown): boolean;
}

const POSTGRES: Dialect = {
  isolationFor: (asked) => asked,
  snapshotOf: repeatable,
  // After any error, PostgreSQL takes no statement until a rollback, and answers COMMIT with ROLLBACK.
  spoils: (error) => codeOf(error) !== undefined,
  isLost: () => false,
};

const MYSQL: Dialect = {
  // Its own default is REPEATABLE READ, in which a job would not see what is committed while it runs.
  isolationFor: (asked) => asked ?? 'READ COMMITTED',
  snapshotOf: repeatable,
  spoils: rollsBackAll,
  isLost: rollsBackAll,
};

/** With these InnoDB has rolled back the whole transaction, and what follows would stand alone. */
const ROLLBACKS = new Set(['ER_LOCK_DEADLOCK', 'ER_CHECKREAD', 'ER_LOCK_TABLE_FULL']);

const SQLITE: Dialect = {
  // It has no other, and what others commit meanwhile is not seen.
  isolationFor: () => 'SERIALIZABLE',
  snapshotOf: () => 'a snapshot, as SQLite does',
  // Noticed where the connection tells that no transaction is open any more.
  spoils: () => false,
  isLost: () => false,
};

const OTHER: Dialect = {
  isolationFor: (asked) => asked,
  snapshotOf: repeatable,
  spoils: () => false,
  isLost: () => false,
};

const DIALECTS: Readonly<Record<string, Dialect>> = {
  postgres: POSTGRES,
  cockroachdb: POSTGRES,
  'aurora-postgres': POSTGRES,
  mysql: MYSQL,
  mariadb: MYSQL,
  'aurora-mysql': MYSQL,
  'better-sqlite3': SQLITE,
  sqlite: SQLITE,
  sqljs: SQLITE,
};

export function dialectOf(dataSource: DataSourceLike): Dialect {
  return DIALECTS[dataSource.options.type] ?? OTHER;
}

const WRITES =
  /^(insert|update|delete|merge|replace|truncate|create|alter|drop|with\b[\s\S]*?\b(insert|update|delete|merge))\b/i;
const RETURNS_TO_SAVEPOINT = /^rollback\s+((work|transaction)\s+)?to\b/i;
const ENDS_TRANSACTION =
  /^(commit|end|abort|rollback|begin|start\s+transaction|prepare\s+transaction)\b/i;

/** Whether a statement changes rows or tables. */
export function isWrite(sql: string): boolean {
  return WRITES.test(withoutComments(sql));
}

/** Whether a statement begins or ends a transaction by hand. */
export function isTransactionControl(sql: string): boolean {
  const statement = withoutComments(sql);
  return ENDS_TRANSACTION.test(statement) && !RETURNS_TO_SAVEPOINT.test(statement);
}

/** Whether a statement undoes what came after a savepoint, errors too. */
export function returnsToSavepoint(sql: string): boolean {
  return RETURNS_TO_SAVEPOINT.test(withoutComments(sql));
}

function repeatable(isolation: IsolationLevel | undefined): string | undefined {
  return isolation === 'REPEATABLE READ' || isolation === 'SERIALIZABLE' ? isolation : undefined;
}

function rollsBackAll(error: unknown): boolean {
  return ROLLBACKS.has(codeOf(error) ?? '');
}

function codeOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : undefined;
}
