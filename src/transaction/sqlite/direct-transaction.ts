import type { DataSourceLike } from '../typeorm-shape.js';
import { isUnheard } from '../unheard.js';
import type { MaybePromise } from '../../job/maybe-promise.js';
import { isBetterSqlite, preparedOn, type BetterSqlite } from './direct-statement.js';
import type { Lane } from './own-connection.js';
import type { SqliteRunner } from './sqlite-shape.js';

/**
 * The short way for what a job's transaction needs beside the job's own statements, on better-sqlite3 itself: through
 * TypeORM's runner, each takes several turns of the microtasks. What fails and leaves things as they were is done again on
 * the runner, which waits for other processes, and whose errors are those that everybody knows.
 */
export class DirectTransaction {
  private constructor(
    private readonly runner: SqliteRunner,
    private readonly native: BetterSqlite,
    private readonly statements: Map<string, unknown>,
  ) {}

  /** `undefined` with another driver, and where somebody would miss the statements: a subscriber, or a log of queries. */
  static on(
    dataSource: DataSourceLike,
    runner: SqliteRunner,
    { native, statements }: Lane,
  ): DirectTransaction | undefined {
    if (!isBetterSqlite(native) || !statements || !isUnheard(dataSource)) return;
    return new DirectTransaction(runner, native, statements);
  }

  /** False where it could not. */
  begin(): boolean {
    try {
      this.#run('BEGIN IMMEDIATE TRANSACTION');
    } catch {
      return false;
    }
    this.runner.isTransactionActive = true;
    this.runner.transactionDepth = 1;
    return true;
  }

  /** How many rows a statement has changed. */
  change(sql: string, values: readonly unknown[]): MaybePromise<number> {
    // Where SQLite has ended the transaction by itself the statement would stand alone; the runner refuses it.
    if (!this.native.inTransaction) return this.runner.commitTransaction().then(() => 0);
    try {
      return this.#run(sql, values);
    } catch (error) {
      if (!this.native.inTransaction) throw error;
      return this.#changeByRunner(sql, values);
    }
  }

  async #changeByRunner(sql: string, values: readonly unknown[]): Promise<number> {
    const { affected } = (await this.runner.query(sql, [...values], true)) as { affected: number };
    return affected;
  }

  commit(): MaybePromise<void> {
    // Where SQLite has ended the transaction by itself, the runner says so.
    if (!this.native.inTransaction) return this.runner.commitTransaction();
    try {
      this.#run('COMMIT');
    } catch (error) {
      if (!this.native.inTransaction) throw error;
      return this.runner.commitTransaction();
    }
    this.runner.isTransactionActive = false;
    this.runner.transactionDepth = 0;
  }

  #run(sql: string, values: readonly unknown[] = []): number {
    const statement = preparedOn(this.native, this.statements, sql);
    return statement.run(...values).changes;
  }
}
