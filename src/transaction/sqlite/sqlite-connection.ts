import {
  JobTransactionEndedError,
  JobTransactionError,
  takenOver,
} from '../../errors/transaction.errors.js';
import type { LastStatement } from '../../tracker/job-tracker.js';
import type { ConnectionOpener, ConnectionOwner } from '../job-connection.js';
import type { DataSourceLike, IsolationLevel } from '../typeorm-shape.js';
import { DirectTransaction } from './direct-transaction.js';
import { watchStatements, type StatementWatch } from './own-statements.js';
import { databaseOf, type Lane, type OwnRunner, type SqliteDatabase } from './sqlite-database.js';
import type { SqliteRunner } from './sqlite-shape.js';
import type { Release } from './writer-lock.js';

/** A connection for a job alone, where the database is in a file; else the only one, while everybody else waits. */
export function sqliteConnection(
  dataSource: DataSourceLike,
  owner: ConnectionOwner,
): ConnectionOpener {
  return new SqliteConnection(dataSource, owner);
}

class SqliteConnection implements ConnectionOpener {
  readonly scarce = 'writer lock';
  readonly runner: SqliteRunner;
  readonly #enter: OwnRunner['enter'];
  readonly #database: SqliteDatabase;
  readonly #abandoned = new AbortController();
  #release: Release | undefined;
  #lane: Lane | undefined;
  #watch: StatementWatch | undefined;
  #direct: DirectTransaction | undefined;

  constructor(
    private readonly dataSource: DataSourceLike,
    private readonly owner: ConnectionOwner,
  ) {
    this.#database = databaseOf(dataSource);
    ({ runner: this.runner, enter: this.#enter } = this.#database.runner());
  }

  another(): SqliteRunner {
    return this.#database.blankRunner();
  }

  async begin(isolation: IsolationLevel | undefined): Promise<void> {
    this.#refuse(isolation);
    await this.#lock();
    try {
      await this.#connect();
      await this.#begin();
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
    this.#lane = undefined;
    try {
      await lane?.leave(!error && this.#isAsNew(lane));
    } finally {
      this.#release?.();
    }
  }

  interrupt(): Promise<void> {
    this.#lane?.native.interrupt?.();
    return Promise.resolve();
  }

  abandon(): void {
    this.#abandoned.abort(new JobTransactionEndedError(this.owner.jobId, this.owner.jobName));
  }

  async #lock(): Promise<void> {
    if (this.#database.isReadOnly) return;
    const { jobName, jobId } = this.owner;
    const title = `the transaction of job ${jobName} (${jobId})`;
    const { signal } = this.#abandoned;
    this.#release = await this.#database.hold({ title, jobId, isJob: true }, { signal });
  }

  async #connect(): Promise<void> {
    const { signal } = this.#abandoned;
    const lane = (this.#lane = await this.#database.lane(signal));
    this.#enter(lane);
    this.#watch = watchStatements(this.runner, lane.native, this.#database.title, signal);
    this.#direct = DirectTransaction.on(this.dataSource, this.runner, lane);
  }

  async #begin(): Promise<void> {
    const isolation = inheritedIsolation(this.dataSource);
    if (isolation || !this.#direct?.begin()) return this.runner.startTransaction(isolation);
    this.#watch!.isBegun = true;
  }

  async #commitWith(direct: DirectTransaction, { sql, values }: LastStatement): Promise<void> {
    if ((await direct.change(sql, values)) === 0) throw takenOver(this.owner);
    await direct.commit();
  }

  #isAsNew({ native }: Lane): boolean {
    return (
      !this.#watch?.isMarked && !this.runner.isTransactionActive && native.inTransaction !== true
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

/** A DataSource may have READ UNCOMMITTED for a default, which the connection would keep for the next job. */
function inheritedIsolation({ options }: DataSourceLike): IsolationLevel | undefined {
  return options.isolationLevel && 'SERIALIZABLE';
}
