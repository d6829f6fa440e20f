import { afterEach, describe, expect, it } from '@jest/globals';
import { newDatabase, REACHABLE } from '../support/new-database.js';
import { closeApps } from '../support/test-app.js';
import { startTransactionApp } from '../support/transaction-app.js';

afterEach(closeApps);

describe.each(REACHABLE)('A call that is refused in an open transaction, on %s', (kind) => {
  it('is refused there and then, and leaves the transaction as it is', async () => {
    await using database = await newDatabase(kind);
    await using app = await startTransactionApp(database.options);
    const key = (): never => {
      throw new Error('no key');
    };
    await app.dataSource.transaction(async (manager) => {
      await manager.query(`INSERT INTO conformance_row (id) VALUES (1)`);
      const refused = app.inJob(() => Promise.resolve(), { concurrency: { limit: 1, key } });
      await expect(refused.accepted).rejects.toMatchObject({ option: 'concurrency.key' });
      await expect(refused).rejects.toMatchObject({ option: 'concurrency.key' });
      expect(await app.service.find(refused.id)).toBeUndefined();
    });
    expect(await app.harness.idsSeenOutside()).toEqual([1]);
  });
});
