import type { DataSourceLike, QueryRunnerLike } from './typeorm-shape.js';

/** What TypeORM's runners keep of a transaction. */
type CountingRunner = QueryRunnerLike & { transactionDepth?: number };

/** Whether nobody is told of what TypeORM does on a DataSource: no subscriber, no logger. */
export function isUnheard({ subscribers, options }: DataSourceLike): boolean {
  const { logging, logger, maxQueryExecutionTime } = options;
  const isLogged = Boolean(logging) || typeof logger === 'object' || Boolean(maxQueryExecutionTime);
  return subscribers?.length === 0 && !isLogged;
}

/** Has a runner know that its transaction is over. */
export function leaveUnheard(runner: CountingRunner): void {
  runner.isTransactionActive = false;
  runner.transactionDepth = 0;
}

/**
 * Has a runner know that it is in a transaction, as `startTransaction` does where nobody hears of it, and without the
 * promises of that.
 * @returns Whether the runner is of a kind that can be told so.
 */
export function enterUnheard(runner: CountingRunner): boolean {
  if (runner.transactionDepth !== 0) return false;
  runner.isTransactionActive = true;
  runner.transactionDepth = 1;
  return true;
}
