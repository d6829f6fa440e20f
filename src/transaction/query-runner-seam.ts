import { currentTransaction } from './ambient-transaction.js';
import { noticeTransactions } from './callback-transaction.js';
import { guardedRunners } from './sqlite/guarded-runner.js';
import { isSqlite } from './sqlite/sqlite-shape.js';
import type { DataSourceLike, QueryRunnerLike } from './typeorm-shape.js';

const ORIGINAL = Symbol('nestjs-background:create-query-runner');

type Sewn = DataSourceLike & { [ORIGINAL]?: (mode?: 'master' | 'slave') => QueryRunnerLike };

/**
 * Joins a DataSource to the transactions of jobs. Every path in TypeORM ends in `dataSource.createQueryRunner()`:
 * repositories, managers, query builders, raw queries. So this one method is wrapped, on the instance; no prototype
 * is patched, and outside of jobs it does what it did.
 */
export function sewSeam(dataSource: DataSourceLike): void {
  const sewn = dataSource as Sewn;
  if (sewn[ORIGINAL]) return;
  const original = isSqlite(dataSource)
    ? guardedRunners(dataSource)
    : dataSource.createQueryRunner.bind(dataSource);
  sewn[ORIGINAL] = original;
  dataSource.createQueryRunner = (mode) =>
    currentTransaction()?.runnerFor(dataSource) ?? original(mode);
  noticeTransactions(dataSource.manager, dataSource);
}

/** A query runner outside of every job's transaction, whoever asks. */
export function plainQueryRunner(dataSource: DataSourceLike): QueryRunnerLike {
  const original = (dataSource as Sewn)[ORIGINAL];
  return original ? original('master') : dataSource.createQueryRunner('master');
}
