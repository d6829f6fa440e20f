import assert from 'node:assert/strict';
import { outsideTransaction } from '../../transaction/outside-transaction.js';
import { timedQuery } from '../../transaction/timed-query.js';
import { gate } from '../gate.js';
import { row, type TransactionCase } from './transaction-harness.js';

export const waiting: TransactionCase[] = [
  {
    name: 'finds with timedQuery a row that is committed later, and can change it in the transaction',
    async run(harness) {
      const { repository } = harness;
      const looked = gate();
      const job = harness.inJob(async () => {
        const found = await timedQuery(() => {
          looked.open();
          return repository.findOneBy({ id: 1 });
        });
        await repository.save({ ...found, note: 'found' });
      });
      await looked.opened;
      await harness.insertOutside(1);
      await job;
      assert.equal((await repository.findOneBy({ id: 1 }))?.note, 'found');
    },
  },
  {
    name: 'takes a query builder for a timedQuery, and null for an answer',
    async run(harness) {
      await harness.insertOutside(1);
      await harness.inJob(async () => {
        const builder = (id: number) =>
          harness.repository.createQueryBuilder('row').where('row.id = :id', { id });
        assert.equal((await timedQuery(builder(1))).id, 1);
        const none = await timedQuery(builder(2), { retries: 1, interval: 1, orNull: true });
        assert.equal(none, null);
      });
    },
  },
  {
    name: 'keeps what is written outside of the transaction',
    async run(harness) {
      const job = harness.inJob(async () => {
        await outsideTransaction(() => harness.repository.save(row(1)));
        await harness.repository.save(row(2));
        throw new Error('boom');
      });
      await assert.rejects(job, /boom/);
      assert.deepEqual(await harness.idsSeenOutside(), [1]);
    },
  },
];
