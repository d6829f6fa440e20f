import assert from 'node:assert/strict';
import type { JobFuture } from '../../future/job-future.js';
import { outsideTransaction } from '../../transaction/outside-transaction.js';
import {
  insertSql,
  row,
  type TransactionCase,
  type ConformanceRow,
} from './transaction-harness.js';

export const afterCommit: TransactionCase[] = [
  {
    name: 'starts a job that was called in a transaction after its commit, and shows it the row at its first read',
    async run(harness) {
      let called: JobFuture<unknown> | undefined;
      await harness.dataSource.manager.transaction(async (manager) => {
        await manager.queryRunner!.query(insertSql(harness, 1));
        called = harness.inJob(() => harness.repository.findOneBy({ id: 1 }));
      });
      assert.equal(((await called!) as ConformanceRow).id, 1);
    },
  },
  {
    name: 'never starts a job whose transaction was rolled back, and knows nothing of it',
    async run(harness) {
      let called: JobFuture<unknown> | undefined;
      let ran = false;
      const rolledBack = harness.dataSource.manager.transaction(async (manager) => {
        await manager.queryRunner!.query(insertSql(harness, 1));
        called = harness.inJob(() => Promise.resolve((ran = true)));
        throw new Error('boom');
      });
      await assert.rejects(rolledBack, /boom/);
      await assert.rejects(called!, { name: 'JobCancelledError' });
      assert.equal(await harness.isKnown(called!.id), false);
      assert.equal(ran, false);
    },
  },
  {
    name: 'starts a job that was called in a job after the commit of that one',
    async run(harness) {
      const child = await harness.inJob(async () => {
        await harness.repository.save(row(1));
        return { future: harness.inJob(() => harness.idsSeenOutside()) };
      });
      assert.deepEqual(await child.future, [1]);
    },
  },
  {
    name: 'refuses at once to await, in a job, another one that awaits what starts after the commit of the first',
    async run(harness) {
      const circle = harness.inJob(async () => {
        await harness.repository.save(row(1));
        const held = harness.inJob(() => Promise.resolve());
        return outsideTransaction(() => harness.inJob(async () => held));
      });
      await assert.rejects(circle, { name: 'JobDeadlockError' });
      assert.deepEqual(await harness.idsSeenOutside(), []);
    },
  },
  {
    name: 'refuses at once to await, in a transaction, a job that starts after its commit',
    async run(harness) {
      const parent = harness.inJob(async () => {
        await harness.repository.save(row(1));
        await harness.inJob(() => Promise.resolve());
      });
      await assert.rejects(parent, { name: 'JobDeadlockError' });
      assert.deepEqual(await harness.idsSeenOutside(), []);
    },
  },
];
