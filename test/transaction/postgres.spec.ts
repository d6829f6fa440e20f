import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { Background, print } from '../../src/index.js';
import { fakeClock } from '../../src/testing/index.js';
import { postgresDatabase, type TestDatabase } from '../support/databases.js';
import { Latch } from '../support/latch.js';
import { describeWithPostgres } from '../support/services.js';
import { closeApps, startApp } from '../support/test-app.js';
import { Row, startTransactionApp, type TransactionApp } from '../support/transaction-app.js';
import { until } from '../support/until.js';

let database: TestDatabase;

beforeAll(async () => {
  database = await postgresDatabase();
});

afterAll(() => database.drop());
afterEach(closeApps);

/** Sessions that hold a transaction open while they do nothing. */
async function idleTransactions(app: TransactionApp, and = ''): Promise<number> {
  const [{ count }] = await app.outside.query<[{ count: string }]>(
    `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in transaction%' ${and}`,
  );
  return Number(count);
}

describeWithPostgres("A job's transaction on PostgreSQL", () => {
  it('is not begun, and holds no connection, before the job uses the database', async () => {
    await using app = await startTransactionApp(database.options);
    const computed = new Latch();
    const used = new Latch();
    const finish = new Latch();
    const job = app.inJob(async () => {
      print('computing');
      await computed.opened;
      await app.rows.find();
      used.open();
      await finish.opened;
    });
    await until(async () => (await app.service.output(job.id)) !== '');
    expect(await idleTransactions(app)).toBe(0);
    computed.open();
    await used.opened;
    expect(await idleTransactions(app)).toBe(1);
    finish.open();
    await job;
    expect(await idleTransactions(app)).toBe(0);
  });

  it('keeps no rows from VACUUM while it has only read', async () => {
    await using app = await startTransactionApp(database.options);
    const used = new Latch();
    const finish = new Latch();
    const job = app.inJob(async () => {
      await app.rows.find();
      await app.rows.findOneBy({ id: 1 });
      used.open();
      await finish.opened;
    });
    await used.opened;
    expect(await idleTransactions(app)).toBe(1);
    expect(await idleTransactions(app, 'AND backend_xmin IS NOT NULL')).toBe(0);
    finish.open();
    await job;
  });

  it('fails a job that swallowed an error of a statement, where a commit would lose its rows', async () => {
    await using app = await startTransactionApp(database.options);
    const job = app.inJob(async () => {
      await app.rows.save({ id: 1, note: null });
      await app.dataSource.query('SELECT no_such_column').catch(() => undefined);
    });
    await expect(job).rejects.toMatchObject({ name: 'JobTransactionError' });
    const error = await job.catch((thrown: unknown) => thrown as Error);
    expect((error as Error).message).toContain('savepoint');
    expect(((error as Error).cause as Error).message).toContain('no_such_column');
    expect(await app.harness.idsSeenOutside()).toEqual([]);
  });

  it('commits a job that caught the error of a transaction within its own', async () => {
    await using app = await startTransactionApp(database.options);
    await app.inJob(async () => {
      await app.rows.save({ id: 1, note: null });
      await app.dataSource
        .transaction((manager) => manager.query('SELECT no_such_column'))
        .catch(() => undefined);
      await app.rows.save({ id: 2, note: null });
    });
    expect(await app.harness.idsSeenOutside()).toEqual([1, 2]);
  });

  it('fails a job whose commit fails, by a constraint that is checked there', async () => {
    await using app = await startTransactionApp(database.options);
    await app.outside.query(
      `CREATE TABLE IF NOT EXISTS parent (id int PRIMARY KEY);
       CREATE TABLE IF NOT EXISTS child (id int, parent int REFERENCES parent DEFERRABLE INITIALLY DEFERRED)`,
    );
    const job = app.inJob(async () => {
      await app.rows.save({ id: 1, note: null });
      await app.dataSource.query('INSERT INTO child VALUES (1, 42)');
    });
    await expect(job).rejects.toThrow('foreign key');
    expect(await job.job()).toMatchObject({ state: 'failed' });
    expect(await app.harness.idsSeenOutside()).toEqual([]);
    await app.inJob(() => app.rows.save({ id: 2, note: null }));
    expect(await app.harness.idsSeenOutside()).toEqual([2]);
  });

  it('ends a statement that is being run when the job is cancelled', async () => {
    await using app = await startTransactionApp(database.options);
    const job = app.inJob(async () => {
      await app.rows.save({ id: 1, note: null });
      print('sleeping');
      await app.dataSource.query('SELECT pg_sleep(600)');
    });
    await until(async () => (await app.service.output(job.id)) !== '');
    await job.cancel();
    await expect(job).rejects.toMatchObject({ name: 'JobCancelledError' });
    const [{ count }] = await app.outside.query<[{ count: string }]>(
      `SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep(6%' AND state = 'active'`,
    );
    expect(Number(count)).toBe(0);
    expect(await app.harness.idsSeenOutside()).toEqual([]);
  });

  it('runs a job again that failed to serialize, where retries are asked for', async () => {
    await using app = await startTransactionApp(database.options);
    await app.harness.insertOutside(1);
    let attempts = 0;
    const job = app.inJob(
      async () => {
        attempts += 1;
        await app.rows.find();
        if (attempts === 1) await app.outside.query(`UPDATE conformance_row SET note = 'theirs'`);
        await app.rows.update({ id: 1 }, { note: 'ours' });
      },
      { retries: { limit: 2, delay: 1 }, transaction: { isolation: 'REPEATABLE READ' } },
    );
    await job;
    expect(attempts).toBe(2);
    expect(await job.job()).toMatchObject({ state: 'completed', attempt: 2 });
  });

  it('runs the statements of a job one after the other, however they were started', async () => {
    await using app = await startTransactionApp(database.options);
    const warnings: string[] = [];
    const note = ({ message }: Error): void => void warnings.push(message);
    process.on('warning', note);
    await app.inJob(async () => {
      await Promise.all([1, 2, 3, 4, 5].map((id) => app.rows.insert({ id, note: null })));
    });
    process.off('warning', note);
    expect(await app.harness.idsSeenOutside()).toEqual([1, 2, 3, 4, 5]);
    expect(warnings.filter((text) => text.includes('already executing'))).toEqual([]);
  });

  it('gives the connection back however the job ends', async () => {
    await using app = await startTransactionApp(
      { ...database.options, extra: { max: 2 } },
      {
        concurrency: 1,
      },
    );
    for (let id = 1; id <= 10; id++) {
      const job = app.inJob(async () => {
        await app.rows.save({ id, note: null });
        if (id % 2) throw new Error('odd');
      });
      await job.catch(() => undefined);
    }
    expect(await app.harness.idsSeenOutside()).toEqual([2, 4, 6, 8, 10]);
  });

  it('logs a warning with the remedy where written rows stay uncommitted for long', async () => {
    const clock = fakeClock();
    await using app = await startTransactionApp(database.options, { clock });
    const written = new Latch();
    const finish = new Latch();
    const job = app.inJob(async () => {
      await app.rows.save({ id: 1, note: null });
      written.open();
      await finish.opened;
    });
    await clock.advance(0);
    await written.opened;
    await clock.advance(29_000);
    expect(app.log.containing('warn', job.id)).toEqual([]);
    await clock.advance(2_000);
    expect(app.log.containing('warn', 'Write late')).toHaveLength(1);
    finish.open();
    await job;
  });

  it('warns at start of a pool that is smaller than the number of jobs at once', async () => {
    await using app = await startTransactionApp(
      { ...database.options, extra: { max: 3 } },
      {
        concurrency: 5,
      },
    );
    const [line] = app.log.containing('warn', 'pool');
    expect(line?.text).toMatch(/3 connections.*5 jobs/);
  });

  it('refuses at start a DataSource that there is not, and names those that there are', async () => {
    @Injectable()
    class Wrong {
      @Background({ transaction: { dataSource: 'reports' } })
      async work(): Promise<void> {}
    }
    const starting = startApp({
      imports: [TypeOrmModule.forRoot({ ...database.options, entities: [Row] })],
      providers: [Wrong],
    });
    await expect(starting).rejects.toThrow(/Wrong\.work.*"reports".*default/);
  });

  it('refuses at start a transaction that is asked for where there is no database', async () => {
    @Injectable()
    class Asking {
      @Background({ transaction: true })
      async work(): Promise<void> {}
    }
    await expect(startApp({ providers: [Asking] })).rejects.toThrow(/TypeOrmModule\.forRoot/);
  });
});
