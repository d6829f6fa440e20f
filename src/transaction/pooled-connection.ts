import type { ConnectionOpener } from './job-connection.js';
import { commitWith } from './postgres/commit-with.js';
import { holdBegin } from './postgres/begin-with-first.js';
import { closePortals } from './postgres/close-portals.js';
import { plainQueryRunner } from './query-runner-seam.js';
import type { DataSourceLike, IsolationLevel, QueryRunnerLike } from './typeorm-shape.js';
import { enterUnheard, isUnheard } from './unheard.js';

/** The native connection of PostgreSQL or MySQL, as far as it tells how it was cut, and how to stop what it does. */
interface NativeConnection {
  on?(event: 'error', listener: (error: Error) => void): unknown;
  off?(event: 'error', listener: (error: Error) => void): unknown;
  readonly processID?: number;
  readonly threadId?: number;
}

interface ReleasableRunner {
  release(): Promise<void>;
  /** Of TypeORM's PostgreSQL runner: gives the pool a reason not to use the connection again. */
  releasePostgresConnection?(error?: Error): Promise<void>;
}

/** A connection out of the DataSource's pool, for a job alone. */
export function pooledConnection(dataSource: DataSourceLike): ConnectionOpener {
  return new PooledConnection(dataSource);
}

class PooledConnection implements ConnectionOpener {
  readonly scarce = 'connection';
  readonly runner: QueryRunnerLike;
  fault: Error | undefined;
  #native: NativeConnection | undefined;
  #connecting: Promise<unknown> | undefined;
  #forgetBegin: (() => void) | undefined;
  #leavePortals: (() => void) | undefined;
  #giveUp: ((reason: Error) => void) | undefined;
  readonly #note = (error: Error): void => void (this.fault ??= error);

  constructor(private readonly dataSource: DataSourceLike) {
    this.runner = plainQueryRunner(dataSource);
  }

  another(): QueryRunnerLike {
    return plainQueryRunner(this.dataSource);
  }

  /** Where the transaction has begun in the way of the PostgreSQL client. */
  get commitWith(): ConnectionOpener['commitWith'] {
    const native = this.#native;
    if (!native || !this.#forgetBegin) return undefined;
    return (last) => commitWith(this.dataSource, this.runner, native, last);
  }

  async begin(isolation: IsolationLevel | undefined): Promise<void> {
    this.#connecting = this.runner.connect();
    this.#native = (await this.#unlessGivenUp(this.#connecting)) as NativeConnection;
    this.#native.on?.('error', this.#note);
    this.#forgetBegin = holdBegin(this.#native);
    this.#leavePortals = closePortals(this.#native);
    if (this.#beginsUnheard(isolation) && enterUnheard(this.runner)) return;
    await this.runner.startTransaction(isolation);
  }

  #unlessGivenUp(connecting: Promise<unknown>): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#giveUp = reject;
      connecting.then(resolve, reject);
    });
  }

  #beginsUnheard(isolation: IsolationLevel | undefined): boolean {
    const asked = isolation ?? this.dataSource.options.isolationLevel;
    return this.#forgetBegin !== undefined && !asked && isUnheard(this.dataSource);
  }

  /** Where the pool had none to give until now. */
  abandon(): void {
    this.#giveUp?.(new Error('The job was stopped while it waited for a connection.'));
  }

  async close(error?: Error): Promise<void> {
    this.#native?.off?.('error', this.#note);
    this.#forgetBegin?.();
    this.#leavePortals?.();
    if (this.#connecting && !this.#native) this.#releaseWhenConnected(this.#connecting);
    else await release(this.runner, error);
  }

  /** Over a connection of its own: the pool may have none left, and would have this wait for what it is to end. */
  async interrupt(): Promise<void> {
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
