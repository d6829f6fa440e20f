import assert from 'node:assert/strict';
import { print } from '../../context/in-job.js';
import { gate } from '../gate.js';
import { insertSql, row, type TransactionCase } from './transaction-harness.js';

export const allOrNothing: TransactionCase[] = [
  {
    name: 'shows what a job wrote to nobody before its end, and to everybody after it',
    async run(harness) {
      const written = gate();
      const finish = gate();
      const job = harness.inJob(async () => {
        await harness.repository.save(row(1));
        await harness.repository.save(row(2));
        written.open();
        await finish.opened;
      });
      await written.opened;
      assert.deepEqual(await harness.idsSeenOutside(), []);
      finish.open();
      await job;
      assert.deepEqual(await harness.idsSeenOutside(), [1, 2]);
    },
  },
  {
    name: 'undoes everything that a job wrote before it threw',
    async run(harness) {
      const job = harness.inJob(async () => {
        await harness.repository.save(row(1));
        throw new Error('boom');
      });
      await assert.rejects(job, /boom/);
      assert.deepEqual(await harness.idsSeenOutside(), []);
    },
  },
  {
    name: 'undoes what a cancelled job wrote',
    async run(harness) {
      const written = gate();
      const job = harness.inJob(async () => {
        await harness.repository.save(row(1));
        written.open();
        await new Promise(() => {});
      });
      await written.opened;
      await job.cancel();
      await assert.rejects(job, { name: 'JobCancelledError' });
      assert.deepEqual(await harness.idsSeenOutside(), []);
    },
  },
  {
    name: 'undoes what a job wrote that ran out of time',
    async run(harness) {
      const job = harness.inJob(
        async () => {
          await harness.repository.save(row(1));
          await new Promise(() => {});
        },
        { timeout: 200 },
      );
      await assert.rejects(job, { name: 'JobTimeoutError' });
      assert.deepEqual(await harness.idsSeenOutside(), []);
    },
  },
  {
    name: 'lets output be read while the transaction is open, and after its rollback',
    async run(harness) {
      const written = gate();
      const finish = gate();
      const job = harness.inJob(async () => {
        await harness.repository.save(row(1));
        print('written');
        written.open();
        await finish.opened;
        throw new Error('boom');
      });
      await written.opened;
      assert.equal(await harness.output(job.id), 'written\n');
      finish.open();
      await assert.rejects(job, /boom/);
      assert.equal(await harness.output(job.id), 'written\n');
    },
  },
  {
    name: 'commits each statement by itself where the job wants no transaction',
    async run(harness) {
      const job = harness.inJob(
        async () => {
          await harness.repository.save(row(1));
          throw new Error('boom');
        },
        { transaction: false },
      );
      await assert.rejects(job, /boom/);
      assert.deepEqual(await harness.idsSeenOutside(), [1]);
    },
  },
  {
    name: 'refuses the use of the transaction after the end of the job',
    async run(harness) {
      const ended = gate();
      let late: Promise<unknown> = Promise.resolve();
      await harness.inJob(async () => {
        await harness.repository.save(row(1));
        late = ended.opened.then(() => harness.repository.save(row(2)));
      });
      ended.open();
      await assert.rejects(late, { name: 'JobTransactionEndedError' });
      assert.deepEqual(await harness.idsSeenOutside(), [1]);
    },
  },
  {
    name: 'refuses a query runner that was kept beyond the end of the job',
    async run(harness) {
      const runner = await harness.inJob(async () => {
        const kept = harness.dataSource.createQueryRunner();
        await kept.query(insertSql(harness, 1));
        return { kept };
      });
      const refused = { name: 'JobTransactionEndedError' };
      await assert.rejects(runner.kept.query(insertSql(harness, 2)), refused);
      await assert.rejects(runner.kept.startTransaction(), refused);
      await assert.rejects(runner.kept.connect(), refused);
      assert.deepEqual(await harness.idsSeenOutside(), [1]);
    },
  },
];

export const waysIn: TransactionCase[] = [
  {
    name: 'takes in every way to the database: repository, manager, query builder, raw query, query runner',
    async run(harness) {
      const { repository, dataSource } = harness;
      const job = harness.inJob(async () => {
        await repository.save(row(1));
        await repository.manager.save(repository.target as never, row(2));
        await repository.createQueryBuilder().insert().values(row(3)).execute();
        await dataSource.query(insertSql(harness, 4));
        await dataSource.manager.transaction((manager) =>
          manager.queryRunner!.query(insertSql(harness, 5)),
        );
        const runner = dataSource.createQueryRunner();
        await runner.query(insertSql(harness, 6));
        await runner.release();
        assert.notEqual(await repository.findOneBy({ id: 6 }), null);
        throw new Error('boom');
      });
      await assert.rejects(job, /boom/);
      assert.deepEqual(await harness.idsSeenOutside(), []);
    },
  },
  {
    name: 'leaves code outside of the job alone',
    async run(harness) {
      const used = gate();
      const finish = gate();
      const job = harness.inJob(async () => {
        await harness.repository.findOneBy({ id: 1 });
        used.open();
        await finish.opened;
        throw new Error('boom');
      });
      await used.opened;
      assert.equal(await harness.repository.findOneBy({ id: 9 }), null);
      finish.open();
      await assert.rejects(job, /boom/);
      await harness.repository.save(row(9));
      assert.deepEqual(await harness.idsSeenOutside(), [9]);
    },
  },
  {
    name: 'refuses statements that would end the transaction by hand',
    async run(harness) {
      const job = harness.inJob(async () => {
        await harness.repository.save(row(1));
        await harness.dataSource.query('COMMIT');
      });
      await assert.rejects(job, { name: 'JobTransactionError' });
      assert.deepEqual(await harness.idsSeenOutside(), []);
    },
  },
  {
    name: 'refuses them behind a comment, too',
    async run(harness) {
      const job = harness.inJob(async () => {
        await harness.repository.save(row(1));
        await harness.dataSource.query('/* that is all */\n-- really\n COMMIT');
      });
      await assert.rejects(job, { name: 'JobTransactionError' });
      assert.deepEqual(await harness.idsSeenOutside(), []);
    },
  },
  {
    name: 'lets a savepoint that was made by hand be rolled back, with the error of a statement after it',
    async run(harness) {
      await harness.inJob(async () => {
        await harness.repository.save(row(1));
        await harness.dataSource.query('SAVEPOINT mine');
        await harness.repository.save(row(2));
        await assert.rejects(harness.dataSource.query('SELECT no_such_column'));
        await harness.dataSource.query('ROLLBACK TO SAVEPOINT mine');
        await harness.repository.save(row(3));
      });
      assert.deepEqual(await harness.idsSeenOutside(), [1, 3]);
    },
  },
];
