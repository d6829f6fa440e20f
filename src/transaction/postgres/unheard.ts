import type { DataSourceLike, QueryRunnerLike } from '../typeorm-shape.js';

/** What TypeORM's runners keep of a transaction. */
type CountingRunner = QueryRunnerLike & { transactionDepth?: number };

/** Whether nobody is told of what TypeORM does on a DataSource: no subscriber, no logger. */
export function isUnheard({ subscribers, options }: DataSourceLike): boolean {
  return subscribers?.length === 0 && !options.logging && typeof options.logger !== 'object';
}

/**
 * Has a runner know that it is in a transaction, as `startTransaction` does where nobody hears of it, and without the
 * promises of that. For one whose BEGIN is yet to go out.
 * @returns Whether the runner is of a kind that can be told so.
 */
export function enterUnheard(runner: CountingRunner): boolean {
  if (runner.transactionDepth !== 0) return false;
  runner.isTransactionActive = true;
  runner.transactionDepth = 1;
  return true;
}
