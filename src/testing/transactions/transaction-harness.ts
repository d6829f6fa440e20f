import type { JobFuture } from '../../future/job-future.js';
import type { BackgroundOptions } from '../../registry/background-options.js';
import type { DataSourceLike } from '../../transaction/typeorm-shape.js';
import type { ConformanceCase } from '../conformance.js';

/** A row of the table that the suite works on: `id` an integer and the primary key, `note` a text or null. */
export interface ConformanceRow {
  id: number;
  note: string | null;
}

/** What the suite uses of a repository of TypeORM. */
export interface ConformanceRepository {
  readonly metadata: { readonly tableName: string };
  readonly manager: {
    save(target: never, row: ConformanceRow): Promise<unknown>;
    transaction(run: (manager: never) => Promise<unknown>): Promise<unknown>;
  };
  readonly target: unknown;
  save(row: ConformanceRow): Promise<unknown>;
  findOneBy(where: Partial<ConformanceRow>): Promise<ConformanceRow | null>;
  createQueryBuilder(alias?: string): {
    where(condition: string, parameters: object): { getOne(): Promise<ConformanceRow | null> };
    insert(): { values(row: ConformanceRow): { execute(): Promise<unknown> } };
  };
}

/** An application with a database and an empty table, as the suite for transactions needs it. */
export interface TransactionHarness {
  readonly dataSource: DataSourceLike & { query(sql: string): Promise<unknown> };
  /** As it is injected into providers. */
  readonly repository: ConformanceRepository;
  /** Runs code as a job of the application. */
  inJob<T>(code: () => Promise<T>, options?: BackgroundOptions): JobFuture<T>;
  /** The ids that a connection of its own sees, in order. */
  idsSeenOutside(): Promise<number[]>;
  /** Inserts a row in a transaction of its own, and commits it. */
  insertOutside(id: number): Promise<void>;
  /** What a job has printed so far. */
  output(id: string): Promise<string>;
  /** Whether the application knows a job. */
  isKnown(id: string): Promise<boolean>;
}

/** One thing that must hold of the transactions of jobs. */
export type TransactionCase = ConformanceCase<TransactionHarness>;

export const row = (id: number): ConformanceRow => ({ id, note: null });

export function insertSql({ repository }: TransactionHarness, id: number): string {
  return `INSERT INTO ${repository.metadata.tableName} (id) VALUES (${id})`;
}
