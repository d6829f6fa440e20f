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
 * What code in a job gets for a query runner: its statements go to the job's connection and begin the transaction where
 * it has not begun, its transactions are savepoints, and to release it does nothing. It answers that a transaction is
 * active before it is, or TypeORM would begin one of its own.
 * @param runner One that nobody has used: all that it does is replaced. Not a proxy of the job's own, which would have
 * TypeORM's code run several times slower.
 */
export function facadeOf(
  connection: FacadeConnection,
  runner: QueryRunnerLike,
  dataSource: DataSourceLike,
): QueryRunnerLike {
  const facade = runner as QueryRunnerLike & Replaced;
  facade.isTransactionActive = true;
  facade.connect = () => connection.onRunner((bare) => bare.connect());
  facade.release = () => Promise.resolve();
  facade.query = (sql, parameters, structured) =>
    connection.query(sql, parameters, structured, facade);
  facade.stream = (...args) =>
    connection.onRunner((bare) => (bare as QueryRunnerLike & Replaced).stream(...args));
  facade.startTransaction = (isolation) => connection.beginSavepoint(facade, isolation);
  facade.commitTransaction = async () => {
    refuseUnbegun(connection, facade);
    await connection.releaseSavepoint(facade);
  };
  facade.rollbackTransaction = async () => {
    refuseUnbegun(connection, facade);
    await connection.rollBackSavepoint(facade);
  };
  facade[Symbol.asyncDispose] = () => Promise.resolve();
  facade.manager ??= dataSource.createEntityManager(facade);
  return facade;
}

function refuseUnbegun(connection: FacadeConnection, facade: QueryRunnerLike): void {
  if (connection.hasSavepointOf(facade)) return;
  throw new JobTransactionError(
    "This query runner has begun no transaction: the one it is in is the job's, which ends with the job.",
  );
}

interface Replaced {
  stream(...args: unknown[]): Promise<unknown>;
  [Symbol.asyncDispose](): Promise<void>;
}
