import { surroundingTransaction, type SurroundingTransaction } from '../context/scope.js';
import type { OpenTransaction } from '../tracker/job-tracker.js';
import { CommitHooks } from './commit-hooks.js';
import type { DataSourceLike, QueryRunnerLike } from './typeorm-shape.js';

/** A transaction that code runs in: a job's, or that of a callback of `dataSource.transaction`. */
export abstract class AmbientTransaction implements SurroundingTransaction {
  readonly #hooks = new CommitHooks();

  constructor(readonly outer?: AmbientTransaction) {}

  /** What waits for its end, or for that of a savepoint that was begun by hand in it: jobs that are called now. */
  get hooks(): CommitHooks {
    return this.savepointHooks ?? this.#hooks;
  }

  /** Of the innermost savepoint, if it was begun by hand. */
  get savepointHooks(): CommitHooks | undefined {
    return this.outer?.savepointHooks;
  }

  /** A savepoint is that of a callback, which is a transaction of its own here. */
  entersSavepoint(runner: QueryRunnerLike): void {
    this.outer?.entersSavepoint(runner);
  }

  /** The one that jobs called here wait for. */
  get lasting(): AmbientTransaction {
    return this;
  }

  /** What is open, for a tracker to write in. Nothing is, in a job that has not used a database yet. */
  abstract openTransactions(): OpenTransaction[];

  /** The query runner for code that asks the DataSource for one here; `undefined` for one of its own. */
  runnerFor(dataSource: DataSourceLike): QueryRunnerLike | undefined {
    return this.outer?.runnerFor(dataSource);
  }

  /** A statement is about to run in it, on a query runner that code had at hand and asked nobody for. */
  isUsedOn(dataSource: DataSourceLike): void {
    this.outer?.isUsedOn(dataSource);
  }

  /** Whether a statement has begun it on a DataSource. */
  hasBegunOn(dataSource: DataSourceLike): boolean {
    return this.outer?.hasBegunOn(dataSource) ?? false;
  }

  /** Its isolation there, if that shows the database for ever as it was at one moment. */
  snapshotOn(dataSource: DataSourceLike): string | undefined {
    return this.outer?.snapshotOn(dataSource);
  }

  /** The job with whose end it ends, if it is a job's. */
  get jobId(): string | undefined {
    return this.outer?.jobId;
  }

  /** Whether this is the other, or runs within it. */
  isWithin(other: object): boolean {
    return this === other || (this.outer?.isWithin(other) ?? false);
  }

  /** Whether code here runs in the savepoint or transaction that a runner has begun. */
  isIn(runner: QueryRunnerLike): boolean {
    return this.outer?.isIn(runner) ?? false;
  }
}

/** The transaction that the calling code runs in. */
export function currentTransaction(): AmbientTransaction | undefined {
  return surroundingTransaction() as AmbientTransaction | undefined;
}
