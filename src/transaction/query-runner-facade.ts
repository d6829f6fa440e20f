import { JobTransactionError } from '../errors/transaction.errors.js';
import { currentTransaction } from './ambient-transaction.js';
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

const CONNECTION = Symbol('nestjs-background:connection-of-job');

type Facade = QueryRunnerLike & Replaced & { readonly [CONNECTION]: FacadeConnection };

interface Replaced {
  stream(...args: unknown[]): Promise<unknown>;
  [Symbol.asyncDispose](): Promise<void>;
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
  const facade: Facade = Object.assign(runner, REPLACEMENTS, { [CONNECTION]: connection });
  facade.manager ??= dataSource.createEntityManager(facade);
  return facade;
}

/** One for all: most jobs use a runner for one statement. */
const REPLACEMENTS: ThisType<Facade> & Partial<QueryRunnerLike> & Replaced = {
  isTransactionActive: true,
  connect() {
    return this[CONNECTION].onRunner((bare) => bare.connect());
  },
  release: () => Promise.resolve(),
  query(sql, parameters, structured) {
    return this[CONNECTION].query(sql, parameters, structured, this);
  },
  stream(...args) {
    return this[CONNECTION].onRunner((bare) => (bare as Facade).stream(...args));
  },
  async startTransaction(isolation) {
    // What was written before a savepoint must not be undone with it.
    await currentTransaction()?.hooks.settled();
    await this[CONNECTION].beginSavepoint(this, isolation);
  },
  async commitTransaction() {
    refuseUnbegun(this);
    await this[CONNECTION].releaseSavepoint(this);
  },
  async rollbackTransaction() {
    refuseUnbegun(this);
    await this[CONNECTION].rollBackSavepoint(this);
  },
  [Symbol.asyncDispose]: () => Promise.resolve(),
};

function refuseUnbegun(facade: Facade): void {
  if (facade[CONNECTION].hasSavepointOf(facade)) return;
  throw new JobTransactionError(
    "This query runner has begun no transaction: the one it is in is the job's, which ends with the job.",
  );
}
