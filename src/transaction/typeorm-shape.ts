/** The parts of TypeORM that are used, by shape: the package works without it, and its types must not name it. */

export type IsolationLevel =
  'READ UNCOMMITTED' | 'READ COMMITTED' | 'REPEATABLE READ' | 'SERIALIZABLE';

export interface QueryRunnerLike {
  manager: EntityManagerLike;
  isReleased: boolean;
  isTransactionActive: boolean;
  connect(): Promise<unknown>;
  release(error?: Error): Promise<void>;
  startTransaction(isolation?: IsolationLevel): Promise<void>;
  commitTransaction(): Promise<void>;
  rollbackTransaction(): Promise<void>;
  query(sql: string, parameters?: unknown[], structured?: boolean): Promise<unknown>;
}

export type TransactionCallback = (manager: EntityManagerLike) => Promise<unknown>;

export interface EntityManagerLike {
  readonly queryRunner?: QueryRunnerLike;
  transaction(
    isolationOrRun: IsolationLevel | TransactionCallback,
    run?: TransactionCallback,
  ): Promise<unknown>;
}

export interface DriverLike {
  readonly transactionSupport?: 'simple' | 'nested' | 'none';
  createQueryRunner(mode: 'master' | 'slave'): QueryRunnerLike;
}

export interface DataSourceLike {
  readonly name?: string;
  readonly isInitialized?: boolean;
  readonly driver: DriverLike;
  readonly options: {
    readonly type: string;
    readonly name?: string;
    readonly database?: unknown;
    readonly isolationLevel?: IsolationLevel;
    readonly poolSize?: number;
    readonly logging?: unknown;
    readonly logger?: unknown;
    readonly maxQueryExecutionTime?: number;
    readonly extra?: Readonly<Record<string, unknown>>;
  };
  readonly manager: EntityManagerLike;
  readonly subscribers?: readonly unknown[];
  createQueryRunner(mode?: 'master' | 'slave'): QueryRunnerLike;
  createEntityManager(runner?: QueryRunnerLike): EntityManagerLike;
}

/**
 * Whether a value is a DataSource of TypeORM, whichever copy of the package made it. Any provider is asked: a proxy may
 * refuse what it does not know, and a getter may throw.
 */
export function isDataSource(value: unknown): value is DataSourceLike {
  if (typeof value !== 'object' || value === null) return false;
  try {
    const { createQueryRunner, createEntityManager, driver } = value as Partial<DataSourceLike>;
    return (
      typeof createQueryRunner === 'function' &&
      typeof createEntityManager === 'function' &&
      typeof driver === 'object'
    );
  } catch {
    return false;
  }
}
