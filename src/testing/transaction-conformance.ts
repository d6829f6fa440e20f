import assert from 'node:assert/strict';
import { print } from '../context/in-job.js';
import type { JobFuture } from '../future/job-future.js';
import type { BackgroundOptions } from '../registry/background-options.js';
import { outsideTransaction } from '../transaction/outside-transaction.js';
import { timedQuery } from '../transaction/timed-query.js';
import type { DataSourceLike } from '../transaction/typeorm-shape.js';
import type { ConformanceCase } from './conformance.js';

/** A row of the table that the suite works on: `id` an integer and the primary key, `note` a text or null. */
export interface ConformanceRow {
  id: number;
  note: string | null;
}

/** What the suite uses of a repository of TypeORM. */
export interface ConformanceRepository {
  readonly metadata: { readonly tableName: string };
  readonly manager: {
    save(target: never, row: ConformanceRow): Promise<unknown>;
    transaction(run: (manager: never) => Promise<unknown>): Promise<unknown>;
  };
  readonly target: unknown;
  save(row: ConformanceRow): Promise<unknown>;
  findOneBy(where: Partial<ConformanceRow>): Promise<ConformanceRow | null>;
  createQueryBuilder(alias?: string): {
    where(condition: string, parameters: object): { getOne(): Promise<ConformanceRow | null> };
    insert(): { values(row: ConformanceRow): { execute(): Promise<unknown> } };
  };
}

/** An application with a database and an empty table, as the suite for transactions needs it. */
export interface TransactionHarness {
  readonly dataSource: DataSourceLike & { query(sql: string): Promise<unknown> };
  /** As it is injected into providers. */
  readonly repository: ConformanceRepository;
  /** Runs code as a job of the application. */
  inJob<T>(code: () => Promise<T>, options?: BackgroundOptions): JobFuture<T>;
  /** The ids that a connection of its own sees, in order. */
  idsSeenOutside(): Promise<number[]>;
  /** Inserts a row in a transaction of its own, and commits it. */
  insertOutside(id: number): Promise<void>;
  /** What a job has printed so far. */
  output(id: string): Promise<string>;
  /** Whether the application knows a job. */
  isKnown(id: string): Promise<boolean>;
}

type Case = ConformanceCase<TransactionHarness>;

/** What must hold of the transactions of jobs on every database. */
export function transactionConformance(): Case[] {
  return [...allOrNothing, ...waysIn, ...nested, ...afterCommit, ...waiting];
}

const row = (id: number): ConformanceRow => ({ id, note: null });

function insertSql({ repository }: TransactionHarness, id: number): string {
  return `INSERT INTO ${repository.metadata.tableName} (id) VALUES (${id})`;
}

const allOrNothing: Case[] = [
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
];

const waysIn: Case[] = [
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
];

const nested: Case[] = [
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

const afterCommit: Case[] = [
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

const waiting: Case[] = [
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

interface Gate {
  readonly opened: Promise<void>;
  open(): void;
}

function gate(): Gate {
  let open!: () => void;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { opened, open };
}
