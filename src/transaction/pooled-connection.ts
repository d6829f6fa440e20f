import type { ConnectionOpener, ConnectionOwner } from './connection-opener.js';
import type { LastStatement } from '../tracker/job-tracker.js';
import { holdBegin, type HeldBegin } from './postgres/begin-with-first.js';
import { closePortals } from './postgres/close-portals.js';
import { canPrepare, commitWith, mayPrepare } from './postgres/commit-with.js';
import { HeldCommit } from './postgres/held-commit.js';
import { learnSessions, noteForgetful } from './postgres/kept-sessions.js';
import { isStreaming, keepsOrder, type PgClient } from './postgres/wire.js';
import { PoolPlaces, type PoolPlace } from './pool-places.js';
import { plainQueryRunner } from './query-runner-seam.js';
import type { DataSourceLike, IsolationLevel, QueryRunnerLike } from './typeorm-shape.js';
import { enterUnheard, isUnheard, leaveUnheard } from './unheard.js';

/** The native connection of PostgreSQL or MySQL, as far as it tells how it was cut, and how to stop what it does. */
interface NativeConnection {
  on?(event: 'error', listener: (error: Error) => void): unknown;
  off?(event: 'error', listener: (error: Error) => void): unknown;
  readonly processID?: number;
  readonly threadId?: number;
  /** Of `pg`, since 8.21: `E` for a transaction that takes no statement any more. */
  getTransactionStatus?(): string | null;
}

/** The pool of `pg`, where it tells how it stands. */
interface Pool {
  readonly waitingCount?: number;
}

/** How many jobs in a row have one connection: the pool may have its reasons to replace it. */
const MOST_IN_A_ROW = 100;

interface ReleasableRunner {
  release(): Promise<void>;
  /** Of TypeORM's PostgreSQL runner: gives the pool a reason not to use the connection again. */
  releasePostgresConnection?(error?: Error): Promise<void>;
}

/** A connection out of the DataSource's pool, for a job alone. */
export function pooledConnection(
  dataSource: DataSourceLike,
  owner: ConnectionOwner,
): ConnectionOpener {
  return new PooledConnection(dataSource, owner);
}

class PooledConnection implements ConnectionOpener {
  readonly scarce = 'connection';
  runner: QueryRunnerLike;
  fault: Error | undefined;
  #native: NativeConnection | undefined;
  #place: PoolPlace | undefined;
  #connecting: Promise<unknown> | undefined;
  #begin: HeldBegin | undefined;
  #leavePortals: (() => void) | undefined;
  #giveUp: ((reason: Error) => void) | undefined;
  /** The job before on this connection, whose COMMIT may still be on its way. */
  #before: HeldCommit<PooledConnection> | undefined;
  /** How many jobs in a row have had the connection. */
  #inRow = 1;
  #isHandedOver = false;
  readonly #note = (error: Error): void => void (this.fault ??= error);

  constructor(
    private readonly dataSource: DataSourceLike,
    private readonly owner: ConnectionOwner,
  ) {
    this.runner = plainQueryRunner(dataSource);
  }

  another(): QueryRunnerLike {
    return plainQueryRunner(this.dataSource);
  }

  /** By whatever failed on it: a stream, too, or a statement of the client that `connect()` gives. */
  get isAborted(): boolean {
    return this.#native?.getTransactionStatus?.() === 'E';
  }

  get isStreaming(): boolean {
    return this.#native !== undefined && isStreaming(this.#native);
  }

  /** Where the transaction has begun in the way of the PostgreSQL client. */
  get commitWith(): ConnectionOpener['commitWith'] {
    const native = this.#native;
    return native && this.#begin && ((last, passOn) => this.#commitWith(native, last, passOn));
  }

  async begin(isolation: IsolationLevel | undefined, isForStatement: boolean): Promise<void> {
    const joins = isForStatement && this.#beginsUnheard(isolation);
    this.#before = joins ? HeldCommit.join(this.dataSource) : undefined;
    const native = this.#before ? this.#join(this.#before) : await this.#connect();
    const learning = this.#learn(native);
    if (learning) await learning;
    native.on?.('error', this.#note);
    this.#native = native;
    this.#begin = holdBegin(native, { before: this.#before, forgotten: this.#forgottenOn(native) });
    this.#leavePortals = closePortals(native);
    if (this.#begin && this.#beginsUnheard(isolation) && enterUnheard(this.runner)) return;
    await this.runner.startTransaction(isolation);
  }

  /** Once for the DataSource. */
  #learn(native: object): Promise<void> | undefined {
    const { dataSource } = this;
    return mayPrepare(dataSource, native) ? learnSessions(dataSource, native) : undefined;
  }

  #forgottenOn(native: NativeConnection): (() => void) | undefined {
    const { dataSource } = this;
    return canPrepare(dataSource, native) ? () => noteForgetful(dataSource) : undefined;
  }

  async #connect(): Promise<NativeConnection> {
    this.#place = PoolPlaces.of(this.dataSource)?.take(this.owner);
    const coming = this.#place?.coming;
    if (coming) await this.#unlessGivenUp(coming);
    this.#connecting = this.runner.connect();
    return (await this.#unlessGivenUp(this.#connecting)) as NativeConnection;
  }

  /** Goes on where another job ends, on its connection. */
  #join(before: HeldCommit<PooledConnection>): NativeConnection {
    const connection = before.take();
    this.runner = connection.#handOver();
    this.#place = connection.#place?.passTo(this.owner);
    this.#inRow = connection.#inRow + 1;
    leaveUnheard(this.runner);
    return before.client;
  }

  #handOver(): QueryRunnerLike {
    this.#isHandedOver = true;
    return this.runner;
  }

  #commitWith(
    native: NativeConnection,
    last: LastStatement | undefined,
    passOn?: () => void,
  ): Promise<void> {
    const { dataSource, runner } = this;
    if (!canPrepare(dataSource, native)) return commitWith(dataSource, runner, native, last);
    // Nothing has gone out, so there is nothing to commit.
    if (!last && this.#begin!.isPending) return Promise.resolve();
    if (!last || !this.#canPassOn(native)) return commitWith(dataSource, runner, native, last);
    const held = new HeldCommit<PooledConnection>(dataSource, this, native, last);
    passOn?.();
    return held.done;
  }

  /** Whether another job may have the connection next, and nobody waits for it in the pool, whose turn it would be. */
  #canPassOn(native: PgClient): boolean {
    const { waitingCount } = (this.dataSource.driver as { master?: Pool }).master ?? {};
    const isSound =
      !this.fault && !this.runner.isReleased && !this.#begin!.isPending && keepsOrder(native);
    const isWanted = waitingCount !== 0 || PoolPlaces.of(this.dataSource)?.isContended;
    return isSound && !isWanted && this.#inRow < MOST_IN_A_ROW;
  }

  #unlessGivenUp(connecting: Promise<unknown>): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#giveUp = reject;
      connecting.then(resolve, reject);
    });
  }

  #beginsUnheard(isolation: IsolationLevel | undefined): boolean {
    const asked = isolation ?? this.dataSource.options.isolationLevel;
    return !asked && isUnheard(this.dataSource);
  }

  /** Where the pool had none to give until now. */
  abandon(): void {
    this.#giveUp?.(new Error('The job was stopped while it waited for a connection.'));
  }

  async close(error?: Error): Promise<void> {
    this.#native?.off?.('error', this.#note);
    if (this.#isHandedOver) return;
    this.#begin?.forget();
    this.#leavePortals?.();
    const leaving = this.#before?.leaving;
    if (leaving) await leaving;
    await this.#release(error).finally(() => this.#place?.leave());
  }

  async #release(error: Error | undefined): Promise<void> {
    if (this.#connecting && !this.#native) this.#releaseWhenConnected(this.#connecting);
    else await release(this.runner, error);
  }

  /** Over a connection of its own: the pool may have none left, and would have this wait for what it is to end. */
  async interrupt(): Promise<void> {
    // It is the connection's statement that is stopped, whosever it is.
    await this.#before?.leaving;
    const statement = stopStatement(this.#native ?? {});
    if (!statement) return;
    const apart = new (this.dataSource.constructor as ApartClass)(apartOptions(this.dataSource));
    await apart.initialize();
    await apart.query(statement).finally(() => apart.destroy());
  }

  /** To release a runner before it is connected would lose the connection that it is about to be given. */
  #releaseWhenConnected(connecting: Promise<unknown>): void {
    const done = (): Promise<void> => release(this.runner, undefined);
    void connecting.then(done, done).catch(() => undefined);
  }
}

type ApartClass = new (options: object) => {
  initialize(): Promise<unknown>;
  query(sql: string): Promise<unknown>;
  destroy(): Promise<void>;
};

/** One connection that knows no entities, runs no migrations and changes no schema. */
function apartOptions({ options }: DataSourceLike): object {
  return {
    ...options,
    ...{ entities: [], subscribers: [], migrations: [], cache: false, logging: false },
    ...{ synchronize: false, migrationsRun: false, dropSchema: false, installExtensions: false },
    poolSize: 1,
  };
}

async function release(runner: ReleasableRunner, error: Error | undefined): Promise<void> {
  if (error && runner.releasePostgresConnection) await runner.releasePostgresConnection(error);
  else await runner.release();
}

function stopStatement({ processID, threadId }: NativeConnection): string | undefined {
  if (processID) return `SELECT pg_cancel_backend(${processID})`;
  return threadId ? `KILL QUERY ${threadId}` : undefined;
}
