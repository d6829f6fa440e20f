import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import type { DataSourceOptions } from 'typeorm';
import { mariadbDatabase, postgresDatabase, type TestDatabase } from '../support/databases.js';
import { Latch } from '../support/latch.js';
import { describeWithMysql, describeWithPostgres } from '../support/services.js';
import { closeApps } from '../support/test-app.js';
import { startTransactionApp, type TransactionApp } from '../support/transaction-app.js';
import { until } from '../support/until.js';

const DATABASES = [
  ['PostgreSQL', describeWithPostgres, postgresDatabase, 'pg_sleep(600)'],
  ['MariaDB', describeWithMysql, mariadbDatabase, 'SLEEP(600)'],
] as const;

afterEach(closeApps);

for (const [name, describeWithIt, freshDatabase, sleep] of DATABASES) {
  describeWithIt(`A pool of ${name} with a single connection`, () => {
    let database: TestDatabase;

    beforeAll(async () => {
      database = await freshDatabase();
    });

    afterAll(() => database.drop());

    const start = (): Promise<TransactionApp> => {
      const options = { ...database.options, poolSize: 1 } as DataSourceOptions;
      return startTransactionApp(options, { concurrency: 2 });
    };

    it('lets a statement of the job that holds it be ended', async () => {
      await using app = await start();
      const job = app.inJob(async () => {
        await app.rows.save({ id: 1, note: null });
        await app.dataSource.query(`SELECT ${sleep}`);
      });
      const outcome = job.catch((error: Error) => error.name);
      const list = name === 'MariaDB' ? 'INFORMATION_SCHEMA.PROCESSLIST' : 'pg_stat_activity';
      const text = name === 'MariaDB' ? 'info' : 'query';
      const sleeping = `SELECT 1 FROM ${list} WHERE ${text} = 'SELECT ${sleep}'`;
      await until(async () => (await app.outside.query<unknown[]>(sleeping)).length > 0);
      await job.cancel();
      expect(await outcome).toBe('JobCancelledError');
      expect(await app.inJob(() => app.rows.count())).toBe(0);
    });

    it('lets a job be cancelled that waits for it, and is not lost to it', async () => {
      await using app = await start();
      const used = new Latch();
      const finish = new Latch();
      const holder = app.inJob(async () => {
        await app.rows.count();
        used.open();
        await finish.opened;
      });
      await used.opened;
      const asked = new Latch();
      const waiting = app.inJob(async () => {
        const counting = app.rows.count();
        asked.open();
        await counting;
      });
      const outcome = waiting.catch((error: Error) => error.name);
      await asked.opened;
      await waiting.cancel();
      expect(await outcome).toBe('JobCancelledError');
      finish.open();
      await holder;
      expect(await app.inJob(() => app.rows.count())).toBe(0);
    });
  });
}
