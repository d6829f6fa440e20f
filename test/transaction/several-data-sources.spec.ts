import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { InjectDataSource, TypeOrmModule } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import { Background, jobOf, background, type BackgroundOptions } from '../../src/index.js';
import { mariadbDatabase, postgresDatabase, type TestDatabase } from '../support/databases.js';
import { describeWithMysql, describeWithPostgres } from '../support/services.js';
import { closeApps, startApp, type TestApp } from '../support/test-app.js';

let main: TestDatabase;
let reports: TestDatabase;

beforeAll(async () => {
  main = await postgresDatabase();
  reports = await mariadbDatabase();
});

afterAll(async () => {
  await main.drop();
  await reports.drop();
});

afterEach(closeApps);

@Injectable()
class Both {
  constructor(
    @InjectDataSource() readonly main: DataSource,
    @InjectDataSource('reports') readonly reports: DataSource,
  ) {}

  @Background()
  async insert(fails: boolean): Promise<void> {
    await this.main.query('INSERT INTO line (id) VALUES (1)');
    await this.reports.query('INSERT INTO line (id) VALUES (1)');
    if (fails) throw new Error('boom');
  }

  async clear(): Promise<void> {
    for (const dataSource of [this.main, this.reports]) {
      await dataSource.query('DROP TABLE IF EXISTS line');
      await dataSource.query('CREATE TABLE line (id int)');
    }
  }

  async counts(): Promise<number[]> {
    const counts = [this.main, this.reports].map(async (dataSource) => {
      const [{ count }] = await dataSource.query<[{ count: unknown }]>(
        'SELECT count(*) AS count FROM line',
      );
      return Number(count);
    });
    return Promise.all(counts);
  }
}

function start(): Promise<TestApp> {
  return startApp({
    imports: [
      TypeOrmModule.forRoot(main.options),
      TypeOrmModule.forRoot({ ...reports.options, name: 'reports' }),
    ],
    providers: [Both],
  });
}

async function insert(
  app: TestApp,
  fails: boolean,
  options?: BackgroundOptions,
): Promise<number[]> {
  const both = app.get(Both);
  await both.clear();
  await jobOf(background(both, options).insert(fails)).catch(() => undefined);
  return both.counts();
}

describeWithPostgres('A job that uses several DataSources', () => {
  describeWithMysql('of different kinds', () => {
    it('has a transaction on each, committed or rolled back together', async () => {
      await using app = await start();
      expect(await insert(app, false)).toEqual([1, 1]);
      expect(await insert(app, true)).toEqual([0, 0]);
    });

    it('has one on the DataSource that it names alone', async () => {
      await using app = await start();
      const counts = await insert(app, true, { transaction: { dataSource: 'reports' } });
      expect(counts).toEqual([1, 0]);
    });
  });
});
