import { currentJobScope } from '../../context/scope.js';
import type { DataSourceLike, IsolationLevel, QueryRunnerLike } from '../typeorm-shape.js';
import { ApplicationTransaction, broadcasterIn } from './application-transaction.js';
import { sourceFor, type RunnerSource } from './runner-source.js';
import { databaseOf, type SqliteDatabase } from './sqlite-database.js';
import type { SqliteRunner } from './sqlite-shape.js';
import { beginsTransaction, isRead, mayEndTransaction } from './statements.js';
import type { LockParty, Release } from './writer-lock.js';

/** Makes query runners for code outside of a job's transaction, in the place of `dataSource.createQueryRunner`. */
export function guardedRunners(
  dataSource: DataSourceLike,
): (mode?: 'master' | 'slave') => QueryRunnerLike {
  const database = databaseOf(dataSource);
  const original = dataSource.createQueryRunner.bind(dataSource);
  return (mode) => {
    const source = sourceFor(database, () => original(mode) as SqliteRunner);
    return new RunnerGuard(database, source, dataSource).runner;
  };
}

/**
 * The application has one query runner of TypeORM's; a guarded one has the state of its own transaction, and takes the
 * writer lock for that, or for each statement that writes.
 */
class RunnerGuard {
  readonly runner: SqliteRunner;
  readonly #base: SqliteRunner;
  /** While this runner has a transaction. */
  #release: Release | undefined;
  #transaction: ApplicationTransaction | undefined;

  constructor(
    private readonly database: SqliteDatabase,
    private readonly source: RunnerSource,
    private readonly dataSource: DataSourceLike,
  ) {
    this.#base = source.runner;
    this.runner = Object.create(this.#base) as SqliteRunner;
    Object.assign(this.runner, freshState(), {
      query: this.query.bind(this),
      connect: this.connect.bind(this),
      startTransaction: this.startTransaction.bind(this),
      commitTransaction: this.commitTransaction.bind(this),
      rollbackTransaction: this.rollbackTransaction.bind(this),
      release: this.release.bind(this),
      manager: dataSource.createEntityManager(this.runner),
      broadcaster: broadcasterIn(this.runner, () => this.#transaction),
    });
  }

  async query(sql: string, parameters?: unknown[], structured?: boolean): Promise<unknown> {
    const run = (): Promise<unknown> =>
      this.#base.query.call(this.runner, sql, parameters, structured);
    if (this.#release) return run();
    if (this.source.byHand.release) return this.#inTransactionByHand(sql, run);
    if (!isRead(sql)) return this.#write(sql, run);
    return this.source.readsWait() ? this.#alone(run) : this.#connected(run);
  }

  async connect(): Promise<unknown> {
    await this.source.enter();
    return this.#base.connect.call(this.runner);
  }

  async startTransaction(isolation?: IsolationLevel): Promise<void> {
    const begin = (): Promise<void> => this.#base.startTransaction.call(this.runner, isolation);
    if (this.#release || this.source.byHand.release) return begin();
    const release = await this.database.hold(this.#party('transaction'));
    this.#release = release;
    this.#transaction = new ApplicationTransaction(this.dataSource, this.runner);
    try {
      await this.source.enter();
      await begin();
    } catch (error) {
      this.#end('rolledBack');
      throw error;
    }
  }

  async commitTransaction(): Promise<void> {
    const isOutermost = this.runner.transactionDepth <= 1;
    try {
      await this.#base.commitTransaction.call(this.runner);
    } catch (error) {
      if (isOutermost && this.source.native().inTransaction === false) this.#end('rolledBack');
      throw error;
    }
    if (isOutermost) this.#end('committed');
  }

  async rollbackTransaction(): Promise<void> {
    const isOutermost = this.runner.transactionDepth <= 1;
    try {
      await this.#base.rollbackTransaction.call(this.runner);
    } finally {
      if (isOutermost) this.#end('rolledBack');
    }
  }

  /** What is open stays open, as it does without the guard: whoever joined a transaction releases its runner too. */
  async release(): Promise<void> {
    if (this.#release) return;
    // It was saved with the write; to save it now would end the transaction of whoever has begun one since (sql.js).
    this.runner.isDirty = false;
    await this.#base.release.call(this.runner);
    await this.source.leave();
  }

  async #write(sql: string, run: () => Promise<unknown>): Promise<unknown> {
    const release = await this.database.hold(this.#party('write'));
    try {
      const result = await this.#connected(run);
      if (!beginsTransaction(sql)) await this.runner.flush?.();
      else this.source.byHand.release = release;
      return result;
    } finally {
      if (this.source.byHand.release !== release) release();
    }
  }

  /** The application says BEGIN itself: until it has ended that, all that it does is in it, as it always was. */
  async #inTransactionByHand(sql: string, run: () => Promise<unknown>): Promise<unknown> {
    try {
      return await run();
    } finally {
      const isOpen = this.source.native().inTransaction ?? !mayEndTransaction(sql);
      if (!isOpen) await this.#endByHand();
    }
  }

  async #endByHand(): Promise<void> {
    const { byHand } = this.source;
    const { release } = byHand;
    byHand.release = undefined;
    this.runner.isDirty = true;
    await this.runner.flush?.();
    release?.();
  }

  async #alone(run: () => Promise<unknown>): Promise<unknown> {
    const release = await this.database.hold(this.#party('read'));
    try {
      return await this.#connected(run);
    } finally {
      release();
    }
  }

  async #connected(run: () => Promise<unknown>): Promise<unknown> {
    await this.source.enter();
    return run();
  }

  #end(how: 'committed' | 'rolledBack'): void {
    const [release, transaction] = [this.#release, this.#transaction];
    this.#release = this.#transaction = undefined;
    release?.();
    transaction?.hooks[how]();
  }

  #party(what: string): LockParty {
    const job = currentJobScope()?.context;
    if (!job) return { title: `the application's own ${what}` };
    const { id: jobId, name } = job;
    return { title: `a ${what} of job ${name} (${jobId}), outside of its transaction`, jobId };
  }
}

/** What TypeORM keeps in the runner, which would be everybody's. */
function freshState(): Partial<SqliteRunner> & Record<string, unknown> {
  return {
    ...{ isReleased: false, isTransactionActive: false, transactionDepth: 0 },
    ...{ data: {}, loadedTables: [], loadedViews: [], cachedTablePaths: {}, isDirty: false },
  };
}
