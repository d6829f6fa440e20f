import type { OpenTransaction } from '../tracker/job-tracker.js';
import { AmbientTransaction } from './ambient-transaction.js';
import type { DataSourceLike, QueryRunnerLike } from './typeorm-shape.js';

/** Lets a query look at the database without beginning the transaction around it, and notes how it looked. */
export class ProbeTransaction extends AmbientTransaction {
  /** Whether the query ran on a connection outside of the transaction. */
  lookedOutside = false;
  /** The isolation of the snapshot that the query saw, where it saw one that never changes. */
  snapshot: string | undefined;

  /** @param isInside Whether to look within the transaction, and so begin it. */
  constructor(
    private readonly probed: AmbientTransaction,
    private readonly isInside = false,
  ) {
    super(probed);
  }

  /** Looking has no end that a job could wait for. */
  override get lasting(): AmbientTransaction {
    return this.probed.lasting;
  }

  override openTransactions(): OpenTransaction[] {
    return this.probed.openTransactions();
  }

  override runnerFor(dataSource: DataSourceLike): QueryRunnerLike | undefined {
    const isOutside = !this.isInside && !this.probed.hasBegunOn(dataSource);
    this.lookedOutside ||= isOutside;
    if (isOutside) return undefined;
    const runner = this.probed.runnerFor(dataSource);
    this.snapshot = this.probed.snapshotOn(dataSource);
    return runner;
  }

  /** By the manager of a transaction within the job, too, which has its query runner already. */
  override isUsedOn(dataSource: DataSourceLike): void {
    if (this.probed.hasBegunOn(dataSource)) this.snapshot = this.probed.snapshotOn(dataSource);
  }
}
