/** What is used of TypeORM, by shape: the main entry neither imports it nor names it in its types. */

export interface QueryRunnerLike {
  connect(): Promise<unknown>;
  query(sql: string, parameters?: unknown[]): Promise<unknown>;
  release(): Promise<void>;
}

export interface DataSourceOptionsLike {
  readonly type: string;
  readonly name?: string;
  readonly database?: unknown;
  readonly schema?: string;
  readonly entityPrefix?: string;
  readonly synchronize?: boolean;
  readonly extra?: Readonly<Record<string, unknown>>;
  readonly replication?: { readonly master?: object };
}

export interface DataSourceLike {
  readonly name?: string;
  readonly options: DataSourceOptionsLike;
  readonly isInitialized: boolean;
  readonly driver: { createQueryRunner(mode: 'master'): QueryRunnerLike };
  readonly entityMetadatas?: readonly { readonly name: string; readonly tablePath: string }[];
  initialize(): Promise<unknown>;
  destroy(): Promise<void>;
}

/** The class of a DataSource: the tracker opens connections of its own, with the application's options. */
export type DataSourceClass = new (options: object) => DataSourceLike;

/** A DataSource by shape: from whichever copy of TypeORM it comes. */
export function isDataSource(value: unknown): value is DataSourceLike {
  if (typeof value !== 'object' || value === null) return false;
  const { options, driver, isInitialized } = value as Partial<DataSourceLike>;
  return (
    typeof isInitialized === 'boolean' &&
    typeof options?.type === 'string' &&
    typeof driver?.createQueryRunner === 'function'
  );
}

/** The class itself, also where the application uses one that is derived from it. */
export function classOfDataSource(dataSource: DataSourceLike): DataSourceClass {
  let kind: unknown = dataSource.constructor;
  for (
    let base: unknown = kind;
    typeof base === 'function' && base.name;
    base = Object.getPrototypeOf(base)
  ) {
    kind = base;
  }
  return kind as DataSourceClass;
}
