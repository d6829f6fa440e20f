import assert from 'node:assert/strict';
import { insertSql, row, type TransactionCase } from './transaction-harness.js';

export const nested: TransactionCase[] = [
  {
    name: 'undoes a transaction within the job by itself',
    async run(harness) {
      await harness.inJob(async () => {
        await harness.repository.save(row(1));
        const inner = harness.repository.manager.transaction(async () => {
          await harness.repository.save(row(2));
          throw new Error('only this');
        });
        await assert.rejects(inner, /only this/);
        await harness.repository.save(row(3));
      });
      assert.deepEqual(await harness.idsSeenOutside(), [1, 3]);
    },
  },
  {
    name: 'refuses transactions within the job that overlap',
    async run(harness) {
      const part = (id: number): Promise<unknown> =>
        harness.repository.manager.transaction(async () => {
          await harness.repository.save(row(id));
        });
      const job = harness.inJob(async () => {
        await Promise.all([part(1), part(2)]);
      });
      await assert.rejects(job, /overlap/);
      assert.deepEqual(await harness.idsSeenOutside(), []);
    },
  },
  {
    name: 'refuses to commit while a transaction within the job is open',
    async run(harness) {
      const job = harness.inJob(async () => {
        const runner = harness.dataSource.createQueryRunner();
        await runner.startTransaction();
        await runner.query(insertSql(harness, 1));
      });
      await assert.rejects(job, { name: 'JobTransactionError' });
      assert.deepEqual(await harness.idsSeenOutside(), []);
    },
  },
];
