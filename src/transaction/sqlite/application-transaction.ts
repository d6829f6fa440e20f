import { runInTransaction } from '../../context/scope.js';
import type { OpenTransaction } from '../../tracker/job-tracker.js';
import { AmbientTransaction, currentTransaction } from '../ambient-transaction.js';
import type { DataSourceLike, QueryRunnerLike } from '../typeorm-shape.js';
import type { SqliteRunner } from './sqlite-shape.js';

/**
 * A transaction of the application, for the subscribers and listeners that run in it. With TypeORM's one connection
 * they were in it whatever manager they used, and would now wait for it, and it for them.
 */
export class ApplicationTransaction extends AmbientTransaction {
  readonly #open: OpenTransaction;

  constructor(
    private readonly dataSource: DataSourceLike,
    private readonly runner: QueryRunnerLike,
  ) {
    super(currentTransaction());
    this.#open = { dataSource, query: runner.query.bind(runner) };
  }

  override openTransactions(): OpenTransaction[] {
    return [this.#open, ...(this.outer?.openTransactions() ?? [])];
  }

  override runnerFor(dataSource: DataSourceLike): QueryRunnerLike | undefined {
    return dataSource === this.dataSource ? this.runner : super.runnerFor(dataSource);
  }

  override isIn(runner: QueryRunnerLike): boolean {
    return runner === this.runner || super.isIn(runner);
  }
}

type Broadcast = (...args: unknown[]) => unknown;

/** A broadcaster for a runner, whose subscribers run in the transaction that the runner has open, if any. */
export function broadcasterIn(
  runner: SqliteRunner,
  transaction: () => ApplicationTransaction | undefined,
): object {
  const rebound = Object.create(runner.broadcaster, { queryRunner: { value: runner } }) as object;
  return new Proxy(rebound, {
    get(target, key, receiver) {
      const value: unknown = Reflect.get(target, key, receiver);
      if (typeof value !== 'function') return value;
      return (...args: unknown[]) => enter(() => (value as Broadcast).apply(receiver, args));
    },
  });

  function enter(broadcast: () => unknown): unknown {
    const open = transaction();
    if (!open || currentTransaction()?.isIn(runner)) return broadcast();
    return runInTransaction(open, broadcast);
  }
}
