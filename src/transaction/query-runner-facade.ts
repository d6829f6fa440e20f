import { JobTransactionError } from '../errors/transaction.errors.js';
import type { DataSourceLike, IsolationLevel, QueryRunnerLike } from './typeorm-shape.js';

/** The job's connection, as its facades use it. */
export interface FacadeConnection {
  query(
    sql: string,
    parameters: unknown[] | undefined,
    structured: boolean | undefined,
    from: QueryRunnerLike,
  ): Promise<unknown>;
  onRunner<T>(work: (runner: QueryRunnerLike) => Promise<T>): Promise<T>;
  beginSavepoint(from: QueryRunnerLike, isolation?: IsolationLevel): Promise<void>;
  releaseSavepoint(from: QueryRunnerLike): Promise<void>;
  rollBackSavepoint(from: QueryRunnerLike): Promise<void>;
  hasSavepointOf(runner: QueryRunnerLike): boolean;
}

/**
 * What code in a job gets for a query runner: the job's own, but its statements begin the transaction where it has not
 * begun, its transactions are savepoints, and to release it does nothing. It answers that a transaction is active
 * before it is, or TypeORM would begin one of its own.
 */
export function facadeOf(
  connection: FacadeConnection,
  runner: QueryRunnerLike,
  dataSource: DataSourceLike,
): QueryRunnerLike {
  const facade = Object.create(runner) as QueryRunnerLike;
  const own: Partial<QueryRunnerLike> & Record<string, unknown> = {
    isReleased: false,
    isTransactionActive: true,
    connect: () => connection.onRunner((bare) => bare.connect()),
    release: () => Promise.resolve(),
    query: (sql: string, parameters?: unknown[], structured?: boolean) =>
      connection.query(sql, parameters, structured, facade),
    stream: (...args: unknown[]) =>
      connection.onRunner((bare) => (bare as unknown as Streaming).stream(...args)),
    startTransaction: (isolation?: IsolationLevel) => connection.beginSavepoint(facade, isolation),
    commitTransaction: () => savepointOf(facade).then(() => connection.releaseSavepoint(facade)),
    rollbackTransaction: () => savepointOf(facade).then(() => connection.rollBackSavepoint(facade)),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  for (const [name, value] of ownEntries(own)) {
    Object.defineProperty(facade, name, { value, writable: true, configurable: true });
  }
  facade.manager = dataSource.createEntityManager(facade);
  reboundBroadcaster(facade);
  return facade;

  function savepointOf(asking: QueryRunnerLike): Promise<void> {
    if (connection.hasSavepointOf(asking)) return Promise.resolve();
    const error = new JobTransactionError(
      "This query runner has begun no transaction: the one it is in is the job's, which ends with the job.",
    );
    return Promise.reject(error);
  }
}

/** Subscribers are given its runner and manager: with the bare one's, they would get past what the facade does. */
export function reboundBroadcaster(facade: QueryRunnerLike): void {
  const { broadcaster } = facade as QueryRunnerLike & { broadcaster?: object };
  if (!broadcaster) return;
  const rebound = Object.create(broadcaster, { queryRunner: { value: facade } }) as object;
  Object.defineProperty(facade, 'broadcaster', { value: rebound });
}

interface Streaming {
  stream(...args: unknown[]): Promise<unknown>;
}

function ownEntries(object: object): [string | symbol, unknown][] {
  return Reflect.ownKeys(object).map((key) => [key, Reflect.get(object, key)]);
}
