import { JobTransactionEndedError } from '../errors/transaction.errors.js';
import { isPromise, type MaybePromise } from '../job/maybe-promise.js';
import type { LastStatement, OpenTransaction } from '../tracker/job-tracker.js';
import { AmbientTransaction } from './ambient-transaction.js';
import type { CommitHooks } from './commit-hooks.js';
import type { ConnectionRules } from './connection-opener.js';
import { JobConnection } from './job-connection.js';
import { openConnection } from './open-connection.js';
import type { DataSourceLike, QueryRunnerLike } from './typeorm-shape.js';

export interface JobTransactionRules extends ConnectionRules {
  /** Whether the job's transaction covers a DataSource; on others, code is as outside of jobs. */
  covers(dataSource: DataSourceLike): boolean;
}

/** The transaction of an attempt as the runner ends it, wherever the method runs. */
export interface ConcludableTransaction {
  /** Whether a connection was lost, and with it what was written there: no fault of the job's. */
  readonly isCutOff: boolean;
  /** Whether it wrote, and nothing of that is there: it was rolled back, and no part of it was committed before. */
  readonly isUndone: boolean;
  /**
   * Commits everything, where `mark` has been written and nothing speaks against it; else rolls everything back.
   * @param mark Writes that the job is completed, in one of the open transactions if it can; throws where it may not be.
   * The one that it gives is committed last, so that no other can fail after it.
   */
  commit(
    mark: (open: OpenTransaction[]) => MaybePromise<OpenTransaction | undefined>,
  ): Promise<void>;
  /** Undoes everything. What is thrown on the way is of no interest: the connections are thrown away. */
  rollBack(): Promise<void>;
}

/** The transaction of a job: on each DataSource that it uses, one connection, begun at its first statement. */
export class JobTransaction extends AmbientTransaction implements ConcludableTransaction {
  readonly #connections: JobConnection[] = [];
  #ended = false;

  constructor(private readonly rules: JobTransactionRules) {
    super();
  }

  get isCutOff(): boolean {
    return this.#connections.some((connection) => connection.isCutOff);
  }

  override get jobId(): string {
    return this.rules.jobId;
  }

  override openTransactions(): OpenTransaction[] {
    return this.#connections.filter(({ isBegun }) => isBegun).map(({ open }) => open);
  }

  override runnerFor(dataSource: DataSourceLike): QueryRunnerLike | undefined {
    if (!this.rules.covers(dataSource)) return undefined;
    if (this.#ended) throw new JobTransactionEndedError(this.rules.jobId, this.rules.jobName);
    return this.#connectionOn(dataSource).facade();
  }

  override hasBegunOn(dataSource: DataSourceLike): boolean {
    // One that it does not cover is never begun, and code on it is outside in any case.
    return this.#find(dataSource)?.isBegun ?? false;
  }

  override get savepointHooks(): CommitHooks | undefined {
    for (const { savepointHooks } of this.#connections) if (savepointHooks) return savepointHooks;
    return undefined;
  }

  override entersSavepoint(runner: QueryRunnerLike): void {
    for (const connection of this.#connections) connection.enterSavepoint(runner);
  }

  override snapshotOn(dataSource: DataSourceLike): string | undefined {
    return this.#find(dataSource)?.snapshot;
  }

  async commit(
    mark: (open: OpenTransaction[]) => MaybePromise<OpenTransaction | undefined>,
  ): Promise<void> {
    this.#ended = true;
    try {
      const writing = this.hooks.written();
      if (writing) await writing;
      for (const connection of this.#connections) if (connection.isBusy) await connection.quiesce();
      this.#connections.forEach((connection) => connection.assertCommittable());
      const marking = mark(this.#endingTransactions());
      const marked = isPromise(marking) ? await marking : marking;
      for (const connection of this.#inOrder(marked)) await connection.commit();
    } catch (error) {
      await this.rollBack();
      throw error;
    }
    this.hooks.committed();
  }

  async rollBack(): Promise<void> {
    this.#ended = true;
    await Promise.allSettled(this.#connections.map((connection) => connection.rollBack()));
    this.hooks.rolledBack();
  }

  #endingTransactions(): OpenTransaction[] {
    return this.#connections.filter(({ isBegun }) => isBegun).map(endingTransaction);
  }

  get isUndone(): boolean {
    const written = this.#connections.filter(({ hasWritten }) => hasWritten);
    return written.length > 0 && written.every(({ mayBeCommitted }) => !mayBeCommitted);
  }

  #inOrder(last: OpenTransaction | undefined): JobConnection[] {
    const isLast = ({ open }: JobConnection): number =>
      open.dataSource === last?.dataSource ? 1 : 0;
    return this.#connections.toSorted((a, b) => isLast(a) - isLast(b));
  }

  #find(dataSource: DataSourceLike): JobConnection | undefined {
    return this.#connections.find(({ open }) => open.dataSource === dataSource);
  }

  #connectionOn(dataSource: DataSourceLike): JobConnection {
    const known = this.#find(dataSource);
    if (known) return known;
    const connection = new JobConnection(
      dataSource,
      openConnection(dataSource, this.rules),
      this.rules,
    );
    this.#connections.push(connection);
    return connection;
  }
}

function endingTransaction(connection: JobConnection): OpenTransaction {
  const { open, canEndWith } = connection;
  if (!canEndWith) return open;
  return { ...open, endsWith: (last: LastStatement) => connection.endsWith(last) };
}
