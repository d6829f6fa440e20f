import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { TypeOrmModule } from '@nestjs/typeorm';
import { DataSource, TableIndex, type DataSourceOptions } from 'typeorm';
import { memoryTracker, typeOrmTracker } from '../../src/index.js';
import {
  backgroundEntities,
  createBackgroundTables,
  CreateBackgroundTables,
} from '../../src/tracker/typeorm/entry.js';
import { newDatabase, REACHABLE, type TestDatabase } from '../support/new-database.js';
import { startApp, type TestApp } from '../support/test-app.js';

describe.each(REACHABLE)('The tables of typeOrmTracker() on %s', (kind) => {
  let database: TestDatabase;
  /** That of an application which may have failed to start, and then closes nothing. */
  let made: DataSource | undefined;

  beforeEach(async () => {
    database = await newDatabase(kind);
  });

  afterEach(async () => {
    if (made?.isInitialized) await made.destroy();
    await database[Symbol.asyncDispose]();
  });

  async function opened(options: Partial<DataSourceOptions>): Promise<DataSource> {
    const all = { ...database.options, ...options } as DataSourceOptions;
    return new DataSource(all).initialize();
  }

  /** What TypeORM would change to make the tables those of the entities. */
  async function difference(dataSource: DataSource): Promise<string[]> {
    const { upQueries } = await dataSource.driver.createSchemaBuilder().log();
    return upQueries.map(({ query }) => query);
  }

  function start(tracker = typeOrmTracker(), options = {}): Promise<TestApp> {
    const typeOrm = TypeOrmModule.forRootAsync({
      useFactory: () => ({ ...database.options, retryAttempts: 0, ...options }),
      dataSourceFactory: (given) => (made = new DataSource(given!)).initialize(),
    });
    return startApp({ imports: [typeOrm], background: { tracker } });
  }

  it('are the same by the migration and by the entities', async () => {
    const dataSource = await opened({
      entities: [...backgroundEntities],
      migrations: [CreateBackgroundTables],
    });
    await dataSource.runMigrations();
    expect(await difference(dataSource)).toEqual([]);
    await dataSource.undoLastMigration();
    expect(await difference(dataSource)).not.toEqual([]);
    await dataSource.synchronize();
    expect(await difference(dataSource)).toEqual([]);
    await dataSource.destroy();
  });

  it('have no place in an index for what is not there', async () => {
    const dataSource = await opened({ migrations: [CreateBackgroundTables] });
    await dataSource.runMigrations();
    const runner = dataSource.createQueryRunner();
    const table = await runner.getTable('background_job');
    const owners = table!.indices.find(({ columnNames }) => columnNames[0] === 'owner');
    await runner.release();
    const isPartial = owners!.where !== undefined && owners!.where !== '';
    expect(isPartial).toBe(!/mysql|mariadb/.test(dataSource.options.type));
    await dataSource.destroy();
  });

  it('of an earlier version get the columns that they lack', async () => {
    const dataSource = await opened({
      entities: [...backgroundEntities],
      migrations: [CreateBackgroundTables],
    });
    await dataSource.runMigrations();
    const runner = dataSource.createQueryRunner();
    await runner.dropColumns('background_job', ['activity', 'rolled_back']);
    await expect(start()).rejects.toThrow('createBackgroundTables');
    if (made?.isInitialized) await made.destroy();
    await createBackgroundTables(runner);
    await createBackgroundTables(runner);
    await runner.release();
    expect(await difference(dataSource)).toEqual([]);
    await dataSource.destroy();
    const app = await start();
    expect(await app.service.list()).toEqual([]);
    await app[Symbol.asyncDispose]();
  });

  it('of an earlier version lose the index that each end of a job was written to', async () => {
    const dataSource = await opened({
      entities: [...backgroundEntities],
      migrations: [CreateBackgroundTables],
    });
    await dataSource.runMigrations();
    const runner = dataSource.createQueryRunner();
    const former = { name: 'background_job_finished_at', columnNames: ['finished_at'] };
    await runner.createIndex('background_job', new TableIndex(former));
    await runner.dropIndex('background_job', 'background_job_filed');
    await createBackgroundTables(runner);
    const { indices } = (await runner.getTable('background_job'))!;
    expect(indices.map(({ name }) => name)).toContain('background_job_filed');
    expect(indices.map(({ name }) => name)).not.toContain(former.name);
    await runner.release();
    expect(await difference(dataSource)).toEqual([]);
    await dataSource.destroy();
  });

  it('may have a prefix', async () => {
    const options = { entities: [...backgroundEntities], entityPrefix: 'my_', synchronize: true };
    const app = await start(typeOrmTracker(), options);
    expect(await app.service.list()).toEqual([]);
    await app[Symbol.asyncDispose]();
  });

  it('are asked for at start where they are missing, and never made unasked', async () => {
    const starting = start();
    await expect(starting).rejects.toThrow('CreateBackgroundTables');
    await expect(starting).rejects.toThrow('backgroundEntities');
  });

  it('are made where the DataSource makes those of its entities', async () => {
    const begin = () => start(typeOrmTracker(), { synchronize: true });
    const first = await begin();
    await first[Symbol.asyncDispose]();
    const second = await begin();
    expect(await second.service.list()).toEqual([]);
    await second[Symbol.asyncDispose]();
    const dataSource = await opened({ entities: [...backgroundEntities] });
    expect(await difference(dataSource)).toEqual([]);
    await dataSource.destroy();
  });

  it('are looked for in a DataSource that must be there', async () => {
    await expect(start(typeOrmTracker({ dataSource: 'other' }))).rejects.toThrow(
      'no DataSource "other". There are: "default"',
    );
    const without = startApp({ background: { tracker: typeOrmTracker() } });
    await expect(without).rejects.toThrow('Import TypeOrmModule.forRoot()');
  });
});

it('Options that cannot be meant are refused at once', () => {
  expect(() => typeOrmTracker({ dataSource: 7 as never })).toThrow('a DataSource of TypeORM');
  expect(() => typeOrmTracker({ leese: 1 } as never)).toThrow('Did you mean "lease"?');
  expect(memoryTracker().durable).toBeUndefined();
});
