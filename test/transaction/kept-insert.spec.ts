import { Injectable } from '@nestjs/common';
import { InjectDataSource, TypeOrmModule } from '@nestjs/typeorm';
import { afterEach, expect, it } from '@jest/globals';
import { DataSource } from 'typeorm';
import { Background } from '../../src/index.js';
import { CutProxy, ofAnotherSession } from '../support/cut-proxy.js';
import { newDatabase } from '../support/new-database.js';
import { describeWithPostgres } from '../support/services.js';
import { closeApps, startApp, type TestApp } from '../support/test-app.js';

const PREPARED = `SELECT statement FROM pg_prepared_statements WHERE statement LIKE 'INSERT%'`;

@Injectable()
class Writer {
  constructor(@InjectDataSource() private readonly dataSource: DataSource) {}

  @Background()
  async write(what: string): Promise<void> {
    await this.dataSource.query('INSERT INTO written VALUES ($1)', [what]);
  }
}

describeWithPostgres('The INSERT that a job begins with, its jobs kept in memory', () => {
  afterEach(closeApps);

  /** With one connection in its pool, so that each job has the same. */
  async function start(options: object): Promise<TestApp> {
    const app = await startApp({
      imports: [TypeOrmModule.forRoot({ ...options, poolSize: 1, retryAttempts: 0 })],
      providers: [Writer],
    });
    await app.get(DataSource).query('CREATE TABLE written (what text)');
    return app;
  }

  async function writeThrice(app: TestApp): Promise<void> {
    for (const what of ['a', 'b', 'c']) await app.get(Writer).write(what);
    const written: unknown = await app
      .get(DataSource)
      .query('SELECT what FROM written ORDER BY what');
    expect(written).toEqual([{ what: 'a' }, { what: 'b' }, { what: 'c' }]);
  }

  const prepared = (app: TestApp): Promise<unknown[]> => app.get(DataSource).query(PREPARED);

  it('is kept prepared when it comes again', async () => {
    await using database = await newDatabase('postgres');
    const app = await start(database.options);
    await writeThrice(app);
    expect(await prepared(app)).toEqual([{ statement: 'INSERT INTO written VALUES ($1)' }]);
    await closeApps();
  });

  it('is not where queries are logged, which would miss it', async () => {
    await using database = await newDatabase('postgres');
    const app = await start({ ...database.options, logger: new Silent(), logging: true });
    await writeThrice(app);
    expect(await prepared(app)).toEqual([]);
    await closeApps();
  });

  it('is not behind a pooler of connections', async () => {
    await using database = await newDatabase('postgres');
    const { url } = database.options as unknown as { url: string };
    await using pooler = await CutProxy.to(url);
    pooler.rewrite = ofAnotherSession;
    const app = await start({ ...database.options, url: pooler.url });
    await writeThrice(app);
    expect(await prepared(app)).toEqual([]);
    await closeApps();
  });
});

class Silent {
  logQuery(): void {}
  logQueryError(): void {}
  logQuerySlow(): void {}
  logSchemaBuild(): void {}
  logMigration(): void {}
  log(): void {}
}
