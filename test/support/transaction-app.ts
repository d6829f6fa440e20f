import { Injectable } from '@nestjs/common';
import { getDataSourceToken, InjectRepository, TypeOrmModule } from '@nestjs/typeorm';
import {
  Column,
  DataSource,
  Entity,
  PrimaryColumn,
  Repository,
  type DataSourceOptions,
} from 'typeorm';
import {
  Background,
  background,
  jobOf,
  type BackgroundModuleOptions,
  type BackgroundOptions,
  type JobFuture,
} from '../../src/index.js';
import type { TransactionHarness } from '../../src/testing/index.js';
import { startApp, type TestApp } from './test-app.js';

@Entity({ name: 'conformance_row' })
export class Row {
  @PrimaryColumn({ type: 'int' })
  id!: number;

  @Column({ type: 'varchar', length: 100, nullable: true })
  note!: string | null;
}

/** Runs whatever a test wants to be run as a job. */
@Injectable()
export class Work {
  constructor(@InjectRepository(Row) readonly rows: Repository<Row>) {}

  @Background()
  async run(code: () => Promise<unknown>): Promise<unknown> {
    return code();
  }
}

export interface TransactionApp extends TestApp {
  readonly dataSource: DataSource;
  readonly rows: Repository<Row>;
  readonly outside: DataSource;
  readonly harness: TransactionHarness;
  inJob<T>(code: () => Promise<T>, options?: BackgroundOptions): JobFuture<T>;
}

/** Starts an application on a database with an empty table of rows, and a connection beside it. */
export async function startTransactionApp(
  options: DataSourceOptions,
  background_: BackgroundModuleOptions = {},
): Promise<TransactionApp> {
  const outside = await new DataSource({
    ...options,
    entities: [Row],
    synchronize: true,
  }).initialize();
  await outside.getRepository(Row).clear();
  const app = await startApp({
    imports: [
      TypeOrmModule.forRoot({ ...options, entities: [Row] }),
      TypeOrmModule.forFeature([Row]),
    ],
    providers: [Work],
    background: background_,
  });
  const work = app.get(Work);
  const dataSource = app.app.get<DataSource>(getDataSourceToken());
  const inJob = <T>(code: () => Promise<T>, jobOptions?: BackgroundOptions): JobFuture<T> =>
    jobOf(background(work, jobOptions).run(code)) as JobFuture<T>;
  return {
    ...app,
    dataSource,
    outside,
    inJob,
    rows: work.rows,
    harness: {
      dataSource: dataSource as never,
      repository: work.rows as never,
      inJob,
      idsSeenOutside: async () =>
        (await outside.getRepository(Row).find({ order: { id: 'ASC' } })).map(({ id }) => id),
      insertOutside: async (id) => {
        await outside.getRepository(Row).insert({ id, note: null });
      },
      output: (id) => app.service.output(id),
      isKnown: async (id) => (await app.service.find(id)) !== undefined,
    },
    async [Symbol.asyncDispose]() {
      await app[Symbol.asyncDispose]();
      await outside.destroy();
    },
  };
}
