import { afterEach, expect, it } from '@jest/globals';
import { describeWithMysql, describeWithPostgres } from '../support/services.js';
import { mariadbDatabase, postgresDatabase, type TestDatabase } from '../support/databases.js';
import { closeApps } from '../support/test-app.js';
import { startTransactionApp, type TransactionApp } from '../support/transaction-app.js';

let database: TestDatabase;

afterEach(async () => {
  await closeApps();
  await database.drop();
});

async function start(make: () => Promise<TestDatabase>, options = {}): Promise<TransactionApp> {
  database = await make();
  return startTransactionApp({ ...database.options, ...options });
}

describeWithPostgres('The isolation of a job on PostgreSQL', () => {
  it('is READ COMMITTED, which a transaction within may ask for', async () => {
    await using app = await start(postgresDatabase);
    const { dataSource } = app;
    await app.inJob(() => dataSource.transaction('READ COMMITTED', (m) => m.query('SELECT 1')));
    const higher = app.inJob(() =>
      dataSource.transaction('SERIALIZABLE', (manager) => manager.query('SELECT 1')),
    );
    await expect(higher).rejects.toThrow(/SERIALIZABLE cannot be had in it/);
  });

  it('is that of the DataSource, where it asks for one', async () => {
    await using app = await start(postgresDatabase, { isolationLevel: 'SERIALIZABLE' });
    const seen = app.inJob(() => app.dataSource.query('SHOW transaction_isolation'));
    expect(await seen).toEqual([{ transaction_isolation: 'serializable' }]);
    const within = (isolation: 'SERIALIZABLE' | 'READ COMMITTED'): Promise<unknown> =>
      app.inJob(() => app.dataSource.transaction(isolation, (m) => m.query('SELECT 1')));
    await within('SERIALIZABLE');
    await expect(within('READ COMMITTED')).rejects.toThrow(/READ COMMITTED cannot be had in it/);
  });
});

describeWithMysql('The isolation of a job on MariaDB', () => {
  const snapshots = (app: TransactionApp): Promise<boolean> =>
    app.inJob(async () => {
      const before = await app.rows.count();
      await app.outside.query(`INSERT INTO conformance_row (id) VALUES (${before + 1})`);
      return (await app.rows.count()) === before;
    });

  it('is READ COMMITTED, or that of the DataSource, where it asks for one', async () => {
    await using app = await start(mariadbDatabase);
    expect(await snapshots(app)).toBe(false);
    const options = { ...database.options, isolationLevel: 'REPEATABLE READ' as const };
    await using repeatable = await startTransactionApp(options);
    expect(await snapshots(repeatable)).toBe(true);
  });
});
