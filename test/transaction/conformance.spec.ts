import { afterAll, afterEach, beforeAll, it } from '@jest/globals';
import { transactionConformance } from '../../src/testing/index.js';
import { mariadbDatabase, postgresDatabase, type TestDatabase } from '../support/databases.js';
import { describeWithMysql, describeWithPostgres } from '../support/services.js';
import { closeApps } from '../support/test-app.js';
import { startTransactionApp } from '../support/transaction-app.js';

const DATABASES = [
  ['PostgreSQL', describeWithPostgres, postgresDatabase],
  ['MariaDB', describeWithMysql, mariadbDatabase],
] as const;

afterEach(closeApps);

for (const [name, describeWithIt, freshDatabase] of DATABASES) {
  describeWithIt(`A job's transaction on ${name}`, () => {
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
}
