import { afterEach, expect, it } from '@jest/globals';
import { outsideTransaction } from '../../src/index.js';
import { mariadbDatabase, postgresDatabase, type TestDatabase } from '../support/databases.js';
import { describeWithMysql, describeWithPostgres } from '../support/services.js';
import { closeApps } from '../support/test-app.js';
import { startTransactionApp, type TransactionApp } from '../support/transaction-app.js';

/** As the error says it, whose name says only that a transaction went wrong. */
const GIVEN_UP = 'would have lost the rows';

let database: TestDatabase;

afterEach(async () => {
  await closeApps();
  await database.drop();
});

async function start(make: () => Promise<TestDatabase>): Promise<TransactionApp> {
  database = await make();
  return startTransactionApp(database.options);
}

interface Client {
  query(sql: string): Promise<unknown>;
}

describeWithPostgres('An error that a job swallowed on PostgreSQL', () => {
  it('fails the job where a statement of the bare client had it, and a savepoint mends it', async () => {
    await using app = await start(postgresDatabase);
    const divides = (isMended: boolean) => async (): Promise<void> => {
      const client = (await app.dataSource.createQueryRunner().connect()) as Client;
      await app.rows.insert({ id: isMended ? 2 : 1, note: 'row' });
      await client.query('SAVEPOINT mine');
      await client.query('SELECT 1 / 0').catch(() => undefined);
      if (isMended) await client.query('ROLLBACK TO SAVEPOINT mine');
    };
    await expect(app.inJob(divides(false))).rejects.toThrow(GIVEN_UP);
    await app.inJob(divides(true));
    expect(await app.harness.idsSeenOutside()).toEqual([2]);
  });
});

describeWithMysql('An error that a job swallowed on MariaDB', () => {
  it('fails the job where it was for a row changed since the snapshot: that rolls back everything', async () => {
    await using app = await start(mariadbDatabase);
    const [known] = await app.outside.query<unknown[]>(
      "SHOW VARIABLES LIKE 'innodb_snapshot_isolation'",
    );
    if (!known) return;
    await app.outside.query('INSERT INTO conformance_row (id) VALUES (1)');
    const job = app.inJob(
      async () => {
        await app.dataSource.query('SET innodb_snapshot_isolation = ON');
        await app.rows.insert({ id: 2, note: 'before' });
        await app.rows.find();
        await outsideTransaction(() => app.rows.update(1, { note: 'theirs' }));
        const error: unknown = await app.rows.update(1, { note: 'ours' }).catch((e: unknown) => e);
        expect(error).toMatchObject({ code: 'ER_CHECKREAD' });
        await app.rows.insert({ id: 3, note: 'after' });
      },
      { transaction: { isolation: 'REPEATABLE READ' } },
    );
    await expect(job).rejects.toThrow(GIVEN_UP);
    expect(await app.harness.idsSeenOutside()).toEqual([1]);
  });
});
