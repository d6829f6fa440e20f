import { plainQueryRunner } from '../query-runner-seam.js';
import type { DataSourceLike, QueryRunnerLike } from '../typeorm-shape.js';
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
 */
export async function withWriterLock<T>(
  dataSource: DataSourceLike,
  work: Work<T>,
  limit = WAIT_LIMIT,
): Promise<T> {
  if (!isSqlite(dataSource)) return onPlainRunner(dataSource, work);
  return inWritersLine(dataSource, () => onOwnRunner(databaseOf(dataSource), work), limit);
}

/**
 * A write on a connection of one's own, in the line of all who write to the file in this process: it finds the file free
 * of them, as soon as its turn comes. @throws DatabaseBusyError after `limit` ms
 */
export async function inWritersLine<T>(
  dataSource: DataSourceLike,
  write: () => Promise<T>,
  limit = WAIT_LIMIT,
): Promise<T> {
  const release = await databaseOf(dataSource).hold(TRACKER, { limit });
  try {
    return await write();
  } finally {
    release();
  }
}

/** Reads what is committed; waits for nobody, but where the database has one connection, or no write-ahead log. */
export async function withReader<T>(dataSource: DataSourceLike, work: Work<T>): Promise<T> {
  if (!isSqlite(dataSource)) return onPlainRunner(dataSource, work);
  const database = databaseOf(dataSource);
  return database.readsAreFree ? onOwnRunner(database, work) : withWriterLock(dataSource, work);
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
