import { afterAll, afterEach, beforeAll, describe, it } from '@jest/globals';
import { transactionConformance } from '../../src/testing/index.js';
import { mariadbDatabase, postgresDatabase, type TestDatabase } from '../support/databases.js';
import { closeApps } from '../support/test-app.js';
import { startTransactionApp } from '../support/transaction-app.js';

const DATABASES: readonly [string, () => Promise<TestDatabase>][] = [
  ['PostgreSQL', postgresDatabase],
  ['MariaDB', mariadbDatabase],
];

afterEach(closeApps);

describe.each(DATABASES)("A job's transaction on %s", (_name, freshDatabase) => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await freshDatabase();
  });

  afterAll(() => database.drop());

  it.each(transactionConformance())('$name', async ({ run }) => {
    await using app = await startTransactionApp(database.options);
    await run(app.harness);
  });
});
