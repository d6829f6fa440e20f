import { JobTransactionEndedError, JobTransactionError } from '../errors/transaction.errors.js';
import { currentTransaction } from './ambient-transaction.js';
import { dialectOf, isTransactionControl, isWrite, type Dialect } from './dialect.js';
import { facadeOf } from './query-runner-facade.js';
import type { DataSourceLike, IsolationLevel, QueryRunnerLike } from './typeorm-shape.js';

/** Opens the connection of a job on a DataSource, and its transaction. */
export interface ConnectionOpener {
  /** A query runner of its own; connects when it is first used. */
  readonly runner: QueryRunnerLike;
  begin(isolation: IsolationLevel | undefined): Promise<void>;
  /** After commit or rollback. */
  close(error?: Error): Promise<void>;
  /** Ends a statement that is being run, so that a rollback need not wait for it. */
  interrupt(): Promise<void>;
  /** Gives up a begin that waits, for whatever it waits. */
  abandon?(): void;
}

/** Whose connection it is. */
export interface ConnectionOwner {
  readonly jobId: string;
  readonly jobName: string;
}

/** Whose transaction it is, and how it is to be. */
export interface ConnectionRules extends ConnectionOwner {
  readonly isolation: IsolationLevel | undefined;
  /** Called at the first statement that writes; what it gives is called at the end. */
  onWrite(): () => void;
}

/**
 * A job's connection to one database, and its transaction there: begun at the first statement, so that a job which
 * only computes holds none.
 */
export class JobConnection {
  readonly #dialect: Dialect;
  readonly #savepoints: QueryRunnerLike[] = [];
  #beginning: Promise<void> | undefined;
  #begun = false;
  #ended = false;
  #last: Promise<unknown> = Promise.resolve();
  #running = 0;
  #failure: unknown;
  #afterWrite: (() => void) | undefined;

  constructor(
    private readonly dataSource: DataSourceLike,
    private readonly opener: ConnectionOpener,
    private readonly rules: ConnectionRules,
  ) {
    this.#dialect = dialectOf(dataSource);
  }

  /** Whether a transaction is open: later calls see its isolation, and what they write can be undone. */
  get isBegun(): boolean {
    return this.#begun && !this.#ended;
  }

  get isolation(): IsolationLevel | undefined {
    return this.rules.isolation ?? this.#dialect.isolation;
  }

  /** The isolation, if the transaction sees the database for ever as it was when it began. */
  get snapshot(): string | undefined {
    const isolation = this.isolation ?? this.dataSource.options.isolationLevel;
    return this.#dialect.snapshotOf(isolation);
  }

  /** A query runner for whoever asks in the job: it cannot end the transaction, nor release the connection. */
  facade(): QueryRunnerLike {
    this.#refuseIfEnded();
    return facadeOf(this, this.opener.runner, this.dataSource);
  }

  async query(
    sql: string,
    parameters?: unknown[],
    structured?: boolean,
    from?: QueryRunnerLike,
  ): Promise<unknown> {
    this.#refuseOverlap(from);
    if (isTransactionControl(sql)) throw endsByHand(sql);
    await this.begin();
    if (this.#failure && this.#dialect.isLost(this.#failure)) throw this.#swallowed();
    this.#noteWrite(sql);
    return this.#inTurn(() => this.opener.runner.query(sql, parameters, structured));
  }

  /** Connects and begins, once. */
  async begin(): Promise<void> {
    this.#refuseIfEnded();
    this.#beginning ??= this.opener.begin(this.isolation).then(() => {
      this.#begun = true;
    });
    await this.#beginning;
    this.#refuseIfEnded();
  }

  /** Runs something on the bare runner when it is free: a connection does one thing at a time. */
  async onRunner<T>(work: (runner: QueryRunnerLike) => Promise<T>): Promise<T> {
    await this.begin();
    return this.#inTurn(() => work(this.opener.runner));
  }

  async beginSavepoint(from: QueryRunnerLike, isolation?: IsolationLevel): Promise<void> {
    this.#refuseOverlap(from);
    this.#refuseIsolation(isolation);
    this.#savepoints.push(from);
    try {
      await this.onRunner((runner) => runner.startTransaction());
    } catch (error) {
      this.#savepoints.splice(this.#savepoints.lastIndexOf(from), 1);
      throw error;
    }
  }

  async releaseSavepoint(from: QueryRunnerLike): Promise<void> {
    this.#leaveSavepoint(from);
    await this.onRunner((runner) => runner.commitTransaction());
  }

  async rollBackSavepoint(from: QueryRunnerLike): Promise<void> {
    this.#leaveSavepoint(from);
    await this.onRunner((runner) => runner.rollbackTransaction());
    if (!this.#dialect.isLost(this.#failure)) this.#failure = undefined;
  }

  hasSavepointOf(runner: QueryRunnerLike): boolean {
    return this.#savepoints.includes(runner);
  }

  /** Lets what is being run come to its end. */
  async quiesce(): Promise<void> {
    await this.#last.catch(() => undefined);
  }

  /** @throws JobTransactionError where a commit would lose rows, or take in half of something. */
  assertCommittable(): void {
    if (this.#failure) throw this.#swallowed();
    if (this.#savepoints.length > 0) {
      throw new JobTransactionError(
        'The job began a transaction within its own and neither committed nor rolled it back. Await it to its end.',
      );
    }
  }

  /** Commits; on the way there, nothing that the job left running gets in any more. */
  async commit(): Promise<void> {
    await this.#end(() => this.opener.runner.commitTransaction());
  }

  async rollBack(): Promise<void> {
    if (!this.#begun) this.opener.abandon?.();
    if (this.#running > 0) await this.opener.interrupt();
    await this.#end(() => rollBackWhole(this.opener.runner));
  }

  async #end(finish: () => Promise<void>): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    let fault: Error | undefined;
    try {
      await this.#beginning?.catch(() => undefined);
      await this.quiesce();
      if (this.#begun) await finish();
    } catch (error) {
      fault = error as Error;
      throw error;
    } finally {
      this.#afterWrite?.();
      // With an error the pool throws the connection away, and with it what it may still hold.
      await this.opener.close(fault);
    }
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const before = this.#last;
    this.#running += 1;
    const turn = (async () => {
      await before.catch(() => undefined);
      return work();
    })();
    this.#last = turn;
    try {
      return await turn;
    } catch (error) {
      if (this.#dialect.spoils(error)) this.#failure ??= error;
      throw error;
    } finally {
      this.#running -= 1;
    }
  }

  #noteWrite(sql: string): void {
    if (!this.#afterWrite && isWrite(sql)) this.#afterWrite = this.rules.onWrite();
  }

  #leaveSavepoint(from: QueryRunnerLike): void {
    if (this.#savepoints.at(-1) !== from) throw overlap();
    this.#savepoints.pop();
  }

  /** A statement belongs to the innermost savepoint, or it would be undone with what it has nothing to do with. */
  #refuseOverlap(from: QueryRunnerLike | undefined): void {
    this.#refuseIfEnded();
    const innermost = this.#savepoints.at(-1);
    if (!innermost || innermost === from) return;
    if (!currentTransaction()?.isIn(innermost)) throw overlap();
  }

  #refuseIsolation(isolation: IsolationLevel | undefined): void {
    if (!isolation || isolation === this.isolation) return;
    throw new JobTransactionError(
      `A transaction within a job has the isolation of the job; ${isolation} cannot be had in it. ` +
        `Ask for it on the job: @Background({ transaction: { isolation: '${isolation}' } }).`,
    );
  }

  #refuseIfEnded(): void {
    if (this.#ended) throw new JobTransactionEndedError(this.rules.jobId, this.rules.jobName);
  }

  #swallowed(): JobTransactionError {
    return new JobTransactionError(
      'A statement of the job failed, and the database has given its transaction up; the error was caught, and a ' +
        'commit would have lost the rows. Let the error pass, or put the statement into dataSource.transaction(), ' +
        'which is a savepoint here.',
      { cause: this.#failure },
    );
  }
}

/** Out of savepoints that the job has left open, too: each rollback leaves one. */
async function rollBackWhole(runner: QueryRunnerLike): Promise<void> {
  do await runner.rollbackTransaction();
  while (runner.isTransactionActive);
}

function overlap(): JobTransactionError {
  return new JobTransactionError(
    'Two transactions within one job overlap: one would undo what the other did. ' +
      'Await the first before the second begins, and use the manager that the callback is given.',
  );
}

function endsByHand(sql: string): JobTransactionError {
  return new JobTransactionError(
    `"${sql.trim().slice(0, 40)}" would end the job's transaction. It is committed when the method returns and rolled ` +
      'back when it throws; for a part of its own use dataSource.transaction(), or outsideTransaction().',
  );
}
