import { JobTransactionEndedError, takenOver } from '../errors/transaction.errors.js';
import { currentJobScope } from '../context/scope.js';
import type { LastStatement, OpenTransaction } from '../tracker/job-tracker.js';
import { currentTransaction } from './ambient-transaction.js';
import type { CommitHooks } from './commit-hooks.js';
import type { ConnectionOpener, ConnectionRules } from './connection-opener.js';
import {
  dialectOf,
  isTransactionControl,
  isWrite,
  returnsToSavepoint,
  type Dialect,
} from './dialect.js';
import { isConnectionLost } from './lost-connection.js';
import { endsByHand, leftSavepoint, leftStream, otherIsolation, swallowed } from './mistakes.js';
import { facadeOf } from './query-runner-facade.js';
import { rollBackWhole, Savepoints } from './savepoints.js';
import { streamEnd } from './stream-end.js';
import type { DataSourceLike, IsolationLevel, QueryRunnerLike } from './typeorm-shape.js';

/**
 * A job's connection to one database, and its transaction there: begun at the first statement, so that a job which
 * only computes holds none.
 */
export class JobConnection {
  /** For a tracker to write in: always the same, by which it knows the transaction. */
  readonly open: OpenTransaction;
  readonly #dialect: Dialect;
  readonly #savepoints = new Savepoints();
  #beginning: Promise<void> | undefined;
  #begun = false;
  #ended = false;
  #last: Promise<unknown> = Promise.resolve();
  #running = 0;
  #failure: unknown;
  #isCutOff = false;
  #afterWrite: (() => void) | undefined;
  #lastStatement: LastStatement | undefined;
  #mayBeCommitted = false;

  constructor(
    private readonly dataSource: DataSourceLike,
    private readonly opener: ConnectionOpener,
    private readonly rules: ConnectionRules,
  ) {
    this.#dialect = dialectOf(dataSource);
    this.open = { dataSource, query: (sql, parameters) => this.query(sql, parameters) };
  }

  /** Whether a transaction is open: later calls see its isolation, and what they write can be undone. */
  get isBegun(): boolean {
    return this.#begun && !this.#ended;
  }

  get hasWritten(): boolean {
    return this.#afterWrite !== undefined;
  }

  /** Whether a commit was begun: one that failed may have come through, and only its answer have been lost. */
  get mayBeCommitted(): boolean {
    return this.#mayBeCommitted;
  }

  get isolation(): IsolationLevel | undefined {
    return (
      this.rules.isolation ?? this.#dialect.isolationFor(this.dataSource.options.isolationLevel)
    );
  }

  /** Whether the connection to the database was lost, and with it what the transaction wrote. */
  get isCutOff(): boolean {
    return this.#isCutOff || isConnectionLost(this.opener.fault);
  }

  /** The isolation, if the transaction sees the database for ever as it was when it began. */
  get snapshot(): string | undefined {
    return this.#dialect.snapshotOf(this.isolation);
  }

  /** A query runner for whoever asks in the job: it cannot end the transaction, nor release the connection. */
  facade(): QueryRunnerLike {
    this.#refuseIfEnded();
    return facadeOf(this, this.opener.another(), this.dataSource);
  }

  async query(
    sql: string,
    parameters?: unknown[],
    structured?: boolean,
    from?: QueryRunnerLike,
  ): Promise<unknown> {
    this.#refuseOverlap(from);
    if (from) currentTransaction()?.isUsedOn(this.dataSource);
    if (isTransactionControl(sql)) throw endsByHand(sql);
    if (!this.#begun) await this.begin(true);
    if (this.#failure && this.#dialect.isLost(this.#failure)) throw swallowed(this.#failure);
    this.#noteWrite(sql);
    const result = await this.#inTurn(() => this.opener.runner.query(sql, parameters, structured));
    if (this.#failure && returnsToSavepoint(sql)) this.#forgiveFailure();
    return result;
  }

  /** Connects and begins, once. */
  async begin(isForStatement = false): Promise<void> {
    this.#refuseIfEnded();
    await (this.#beginning ??= this.#beginNow(isForStatement));
    this.#refuseIfEnded();
  }

  async #beginNow(isForStatement: boolean): Promise<void> {
    this.rules.onBegin?.();
    const goOn = currentJobScope()?.pauses({ what: this.opener.scarce });
    try {
      await this.opener.begin(this.isolation, isForStatement);
      this.#begun = true;
    } catch (error) {
      throw this.#noticed(error);
    } finally {
      goOn?.();
    }
  }

  /** Runs something on the bare runner when it is free: a connection does one thing at a time. */
  async onRunner<T>(work: (runner: QueryRunnerLike) => Promise<T>): Promise<T> {
    await this.begin();
    return this.#inTurn(() => work(this.opener.runner));
  }

  async beginSavepoint(from: QueryRunnerLike, isolation?: IsolationLevel): Promise<void> {
    this.#refuseOverlap(from);
    this.#refuseIsolation(isolation);
    this.#savepoints.begin(from);
    try {
      await this.onRunner((runner) => runner.startTransaction());
    } catch (error) {
      this.#savepoints.forget(from);
      throw error;
    }
  }

  async releaseSavepoint(from: QueryRunnerLike): Promise<void> {
    await this.#savepoints.written(from);
    const released = this.#savepoints.release(from);
    await this.onRunner((runner) => runner.commitTransaction());
    released();
  }

  async rollBackSavepoint(from: QueryRunnerLike): Promise<void> {
    await this.#savepoints.settled(from);
    const rolledBack = this.#savepoints.rollBack(from);
    try {
      await this.onRunner((runner) => runner.rollbackTransaction());
    } finally {
      rolledBack();
    }
    this.#forgiveFailure();
  }

  /** The statement that failed is undone: the database takes others again. */
  #forgiveFailure(): void {
    if (!this.#dialect.isLost(this.#failure)) this.#failure = undefined;
  }

  hasSavepointOf(runner: QueryRunnerLike): boolean {
    return this.#savepoints.isOf(runner);
  }

  /** The savepoint is that of a callback, which runs in it by its context. */
  enterSavepoint(runner: QueryRunnerLike): void {
    this.#savepoints.enter(runner);
  }

  /** What waits for the end of a savepoint that was begun by hand, where the innermost is one. */
  get savepointHooks(): CommitHooks | undefined {
    return this.#savepoints.byHand;
  }

  /** Whether something is being run. */
  get isBusy(): boolean {
    return this.#running > 0 || this.opener.isStreaming === true;
  }

  /** Lets what is being run come to its end; a stream that was read to its end has a moment for that. */
  async quiesce(): Promise<void> {
    if (this.#running > 0) await this.#last.catch(() => undefined);
    if (this.opener.isStreaming) await streamEnd(this.opener);
  }

  /** @throws JobTransactionError where a commit would lose rows, or take in half of something. */
  assertCommittable(): void {
    if (this.opener.isStreaming) throw leftStream();
    if (this.#failure || this.opener.isAborted) throw swallowed(this.#failure);
    if (this.#savepoints.areAny) throw leftSavepoint();
  }

  get canEndWith(): boolean {
    return this.opener.commitWith !== undefined;
  }

  endsWith(last: LastStatement): void {
    this.#lastStatement = last;
  }

  /** Commits; on the way there, nothing that the job left running gets in any more. */
  async commit(): Promise<void> {
    const last = this.#lastStatement;
    try {
      await this.#end(() => {
        this.#mayBeCommitted = true;
        const committing = this.opener.commitWith?.(last, this.rules.passOn);
        return committing ?? this.opener.runner.commitTransaction();
      });
    } catch (error) {
      throw last?.isRefusal(error) ? takenOver(this.rules, error) : error;
    }
    last?.committed();
  }

  async rollBack(): Promise<void> {
    if (!this.#begun) this.opener.abandon?.();
    if (this.opener.isStreaming) return this.#cut();
    if (this.isBusy) await this.opener.interrupt().catch(() => undefined);
    try {
      await this.#end(() => rollBackWhole(this.opener.runner));
    } finally {
      this.#savepoints.rolledBack();
    }
  }

  /** Where a stream takes no ROLLBACK, the end of its connection undoes everything too. */
  async #cut(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    this.#savepoints.rolledBack();
    this.#afterWrite?.();
    await this.opener.close(leftStream());
  }

  async #end(finish: () => Promise<void>): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    let fault: Error | undefined;
    try {
      if (!this.#begun) await this.#beginning?.catch(() => undefined);
      if (this.isBusy) await this.quiesce();
      if (this.#begun) await finish();
    } catch (error) {
      fault = this.#noticed(error) as Error;
      throw fault;
    } finally {
      this.#afterWrite?.();
      // With an error the pool throws the connection away, and with it what it may still hold.
      await this.opener.close(fault);
    }
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#after(this.#running > 0 ? this.#last : undefined, work);
    this.#last = turn;
    return turn;
  }

  async #after<T>(before: Promise<unknown> | undefined, work: () => Promise<T>): Promise<T> {
    this.#running += 1;
    try {
      if (before) await before.catch(() => undefined);
      return await work();
    } catch (error) {
      const told = this.#noticed(error);
      if (this.#dialect.spoils(told)) this.#failure ??= told;
      throw told;
    } finally {
      this.#running -= 1;
    }
  }

  /** What the connection was cut with says more than that it can no longer be used. */
  #noticed(error: unknown): unknown {
    const told = this.opener.fault ?? error;
    this.#isCutOff ||= isConnectionLost(told);
    return told;
  }

  #noteWrite(sql: string): void {
    if (!this.#afterWrite && isWrite(sql)) this.#afterWrite = this.rules.onWrite();
  }

  #refuseOverlap(from: QueryRunnerLike | undefined): void {
    this.#refuseIfEnded();
    this.#savepoints.refuseOverlap(from);
  }

  #refuseIsolation(isolation: IsolationLevel | undefined): void {
    const own = this.isolation ?? 'READ COMMITTED';
    if (isolation && isolation !== own) throw otherIsolation(isolation);
  }

  #refuseIfEnded(): void {
    if (this.#ended) throw new JobTransactionEndedError(this.rules.jobId, this.rules.jobName);
  }
}
