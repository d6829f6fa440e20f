import {
  JobTransactionEndedError,
  JobTransactionError,
  takenOver,
} from '../../errors/transaction.errors.js';
import { isPromise } from '../../job/maybe-promise.js';
import type { LastStatement } from '../../tracker/job-tracker.js';
import type { ConnectionOpener, ConnectionOwner } from '../connection-opener.js';
import type { DataSourceLike, IsolationLevel } from '../typeorm-shape.js';
import { DirectTransaction } from './direct-transaction.js';
import type { Lane, WatchedRunner } from './own-connection.js';
import { databaseOf, type SqliteDatabase } from './sqlite-database.js';
import type { SqliteRunner } from './sqlite-shape.js';
import type { JobParty, Release } from './writer-lock.js';

/** A connection for a job alone, where the database is in a file; else the only one, while everybody else waits. */
export function sqliteConnection(
  dataSource: DataSourceLike,
  owner: ConnectionOwner,
): ConnectionOpener {
  return new SqliteConnection(dataSource, owner);
}

class SqliteConnection implements ConnectionOpener {
  readonly scarce = 'writer lock';
  readonly #database: SqliteDatabase;
  /** Made where there is something to wait for. */
  #abandoned: AbortController | undefined;
  #release: Release | undefined;
  #lane: Lane | undefined;
  #watched: WatchedRunner | undefined;
  #direct: DirectTransaction | undefined;

  constructor(
    private readonly dataSource: DataSourceLike,
    private readonly owner: ConnectionOwner,
  ) {
    this.#database = databaseOf(dataSource);
  }

  /** That of the connection, so there is none before the transaction begins. */
  get runner(): SqliteRunner {
    return this.#watched!.runner;
  }

  another(): SqliteRunner {
    return this.#database.blankRunner();
  }

  async begin(isolation: IsolationLevel | undefined): Promise<void> {
    this.#refuse(isolation);
    const locking = this.#lock();
    if (isPromise(locking)) await locking;
    try {
      const lane = this.#database.idleLane() ?? (await this.#database.lane(this.#signal));
      this.#enter(lane);
      if (!this.#beginsDirectly()) await this.runner.startTransaction(this.#isolation);
    } catch (error) {
      // The job may go on for long, and has nothing that others should wait for.
      await this.close(error as Error);
      throw error;
    }
  }

  get commitWith(): ConnectionOpener['commitWith'] {
    const direct = this.#direct;
    return direct && ((last) => this.#commitWith(direct, last));
  }

  async close(error?: Error): Promise<void> {
    const lane = this.#lane;
    const reusable = !error && lane !== undefined && this.#isAsNew(lane);
    // Another job may have them at once.
    this.#lane = this.#watched = this.#direct = undefined;
    try {
      const leaving = lane?.leave(reusable);
      if (leaving) await leaving;
    } finally {
      this.#release?.();
    }
  }

  interrupt(): Promise<void> {
    this.#lane?.native.interrupt?.();
    return Promise.resolve();
  }

  abandon(): void {
    this.#abandoned ??= new AbortController();
    this.#abandoned.abort(new JobTransactionEndedError(this.owner.jobId, this.owner.jobName));
  }

  get #signal(): AbortSignal {
    return (this.#abandoned ??= new AbortController()).signal;
  }

  #lock(): Promise<void> | undefined {
    if (this.#database.isReadOnly) return undefined;
    const { jobName, jobId, node } = this.owner;
    const title = `the transaction of job ${jobName} (${jobId})`;
    const party = { title, jobId, isJob: true, node };
    this.#release = this.#database.holdIfFree(party);
    return this.#release ? undefined : this.#waitForLock(party);
  }

  async #waitForLock(party: JobParty): Promise<void> {
    this.#release = await this.#database.hold(party, { signal: this.#signal });
  }

  #enter(lane: Lane): void {
    this.#lane = lane;
    this.#watched = lane.watched(this.#abandoned?.signal);
    this.#direct = DirectTransaction.on(this.dataSource, this.runner, lane);
  }

  /** A DataSource may have READ UNCOMMITTED for a default, which the connection would keep for the next job. */
  get #isolation(): IsolationLevel | undefined {
    return this.dataSource.options.isolationLevel && 'SERIALIZABLE';
  }

  #beginsDirectly(): boolean {
    if (this.#isolation || !this.#direct?.begin()) return false;
    this.#watched!.watch.isBegun = true;
    return true;
  }

  async #commitWith(direct: DirectTransaction, last: LastStatement | undefined): Promise<void> {
    const changed = last && direct.change(last.sql, last.values);
    if ((isPromise(changed) ? await changed : changed) === 0) throw takenOver(this.owner);
    const committing = direct.commit();
    if (isPromise(committing)) await committing;
  }

  #isAsNew({ native }: Lane): boolean {
    return (
      !this.#watched?.watch.isMarked &&
      !this.runner.isTransactionActive &&
      native.inTransaction !== true
    );
  }

  #refuse(isolation: IsolationLevel | undefined): void {
    if (!isolation || isolation === 'SERIALIZABLE') return;
    throw new JobTransactionError(
      `Job ${this.owner.jobName} asks for the isolation ${isolation}, and SQLite has none but SERIALIZABLE: a ` +
        'transaction sees the database as it was when it began. Leave { isolation } away.',
    );
  }
}
