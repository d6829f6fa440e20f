import { currentTransaction } from '../ambient-transaction.js';
import { plainQueryRunner } from '../query-runner-seam.js';
import type { DataSourceLike, QueryRunnerLike } from '../typeorm-shape.js';
import { preparedOn, type BetterSqlite } from './direct-statement.js';
import type { Lane } from './own-connection.js';
import { watchStatements } from './own-statements.js';
import { databaseOf, type SqliteDatabase } from './sqlite-database.js';
import { isSqlite } from './sqlite-shape.js';
import { WAIT_LIMIT } from './writer-lock.js';

type Work<T> = (runner: QueryRunnerLike) => Promise<T>;

const TRACKER = { title: 'the tracker of jobs' };

/** Whether a job's transaction is open, so that a write would have to wait for the end of that job. */
export function isHeldByJob(dataSource: DataSourceLike): boolean {
  return isSqlite(dataSource) && databaseOf(dataSource).isHeldByJob;
}

/**
 * Writes outside of every transaction of jobs and of the application, on a connection apart; on SQLite, when the lock
 * is free. Whoever calls it in a job must not have the job wait for it: the lock may be that job's.
 * @param limit How long to wait for the lock, in ms; `Infinity` for what nobody waits for. @throws DatabaseBusyError after that.
 * @param jobs As with `writeInLine`.
 */
export async function withWriterLock<T>(
  dataSource: DataSourceLike,
  work: Work<T>,
  limit = WAIT_LIMIT,
  jobs?: readonly string[],
): Promise<T> {
  if (!isSqlite(dataSource)) return onPlainRunner(dataSource, work);
  const database = databaseOf(dataSource);
  const party = { ...TRACKER, jobs };
  const release = database.holdIfFree(party) ?? (await database.hold(party, { limit }));
  try {
    return await onOwnRunner(database, work);
  } finally {
    release();
  }
}

/**
 * One statement that writes, in the line of all who write to the file in this process: it finds the file free of them, as
 * soon as its turn comes. It runs on the connection that jobs write with, which has in its cache what they wrote: any other
 * would have to read that again, and they what it writes.
 * @param jobs The ids of the jobs that do not go on before. @throws DatabaseBusyError after `limit` ms; JobDeadlockError
 * where whoever holds the file waits for one of those jobs
 */
export async function writeInLine(
  dataSource: DataSourceLike,
  sql: string,
  values: readonly unknown[],
  limit = WAIT_LIMIT,
  jobs?: readonly string[],
): Promise<unknown> {
  const database = databaseOf(dataSource);
  const party = { ...TRACKER, jobs };
  const release = database.holdIfFree(party) ?? (await database.hold(party, { limit }));
  try {
    const lane = database.idleLane() ?? (await database.lane());
    try {
      return executeOn(lane, sql, values);
    } finally {
      const leaving = lane.leave(true);
      if (leaving) await leaving;
    }
  } finally {
    release();
  }
}

/** What the statement returns; of one that returns nothing, no rows. */
function executeOn({ native, statements }: Lane, sql: string, values: readonly unknown[]): unknown {
  const statement = preparedOn(native as BetterSqlite, statements!, sql);
  return statement.reader ? statement.all(...values) : void statement.run(...values);
}

/** Reads what is committed, and what whoever asks has written; waits for nobody, but where the database has one connection, or no write-ahead log. */
export async function withReader<T>(dataSource: DataSourceLike, work: Work<T>): Promise<T> {
  if (!isSqlite(dataSource)) return onPlainRunner(dataSource, work);
  const database = databaseOf(dataSource);
  const isFree = database.readsAreFree || isOpenHere(dataSource);
  return isFree ? onOwnRunner(database, work) : withWriterLock(dataSource, work);
}

/** Whether whoever asks is in a transaction there: it has the lock, and would wait for itself. */
function isOpenHere(dataSource: DataSourceLike): boolean {
  const open = currentTransaction()?.openTransactions() ?? [];
  return open.some((one) => one.dataSource === dataSource);
}

async function onPlainRunner<T>(dataSource: DataSourceLike, work: Work<T>): Promise<T> {
  const runner = plainQueryRunner(dataSource);
  try {
    return await work(runner);
  } finally {
    await runner.release();
  }
}

async function onOwnRunner<T>(database: SqliteDatabase, work: Work<T>): Promise<T> {
  const { runner, enter } = database.runner();
  const lane = await database.lane();
  enter(lane);
  const watch = watchStatements(runner, lane.native, database.title);
  try {
    return await work(runner);
  } finally {
    const isClean = await tidy(runner).catch(() => false);
    await lane.leave(isClean && !watch.isMarked);
  }
}

/** What was begun and not ended is undone; and sql.js saves its file, while the lock is held. */
async function tidy(runner: QueryRunnerLike): Promise<true> {
  while (runner.isTransactionActive) await runner.rollbackTransaction();
  await runner.release();
  return true;
}
