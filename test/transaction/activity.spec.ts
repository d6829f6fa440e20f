import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { fakeClock } from '../../src/testing/index.js';
import { outsideTransaction, type BackgroundOptions } from '../../src/index.js';
import { postgresDatabase, type TestDatabase } from '../support/databases.js';
import { Latch } from '../support/latch.js';
import { describeWithPostgres } from '../support/services.js';
import { closeApps } from '../support/test-app.js';
import { startTransactionApp } from '../support/transaction-app.js';
import { until } from '../support/until.js';
import { holdingJob, removeFiles, startSqliteApp } from './sqlite-app.js';

afterEach(closeApps);

describeWithPostgres('A job with changes in PostgreSQL', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await postgresDatabase();
  });
  afterAll(() => database.drop());

  it('says since when they are not committed', async () => {
    const clock = fakeClock();
    await using app = await startTransactionApp(database.options, { clock });
    const [read, write, end] = [new Latch(), new Latch(), new Latch()];
    const written = new Latch();
    const job = app.inJob(async () => {
      await app.rows.find();
      read.open();
      await write.opened;
      await app.rows.insert({ id: 1, note: null });
      written.open();
      await end.opened;
    });
    await read.opened;
    await clock.advance(5_000);
    expect(await job.job()).not.toHaveProperty('writingSince');
    write.open();
    await written.opened;
    const since = new Date(clock.now()).toISOString();
    await clock.advance(41_000);
    expect((await job.job()).writingSince).toBe(since);
    end.open();
    await job;
    expect(await job.job()).not.toHaveProperty('writingSince');
    expect(await job.job()).not.toHaveProperty('rolledBack');
  });

  it('says so of a statement behind a comment', async () => {
    await using app = await startTransactionApp(database.options);
    const written = new Latch();
    const end = new Latch();
    const job = app.inJob(async () => {
      const values = { id: 3, note: null };
      await app.rows.createQueryBuilder().comment('by the job').insert().values(values).execute();
      written.open();
      await end.opened;
    });
    await written.opened;
    await until(async () => (await job.job()).writingSince !== undefined);
    end.open();
    await job;
  });

  it.each([
    ['an error', (): void => {}, 'failed'],
    ['a cancel', (job: { cancel(): Promise<unknown> }): void => void job.cancel(), 'cancelled'],
  ] as const)('says that they were undone by %s', async (_how, stop, state) => {
    await using app = await startTransactionApp(database.options);
    const [written, end] = [new Latch(), new Latch()];
    const job = app.inJob(async () => {
      await app.rows.insert({ id: 2, note: null });
      written.open();
      await end.opened;
      throw new Error('boom');
    });
    job.catch(() => {});
    await written.opened;
    stop(job);
    if (state === 'failed') end.open();
    await until(async () => (await job.job()).state === state);
    end.open();
    expect(await job.job()).toMatchObject({ state, rolledBack: true });
    expect(await app.harness.idsSeenOutside()).toEqual([]);
  });

  it('says so before the next attempt, and not once that has begun', async () => {
    const clock = fakeClock();
    await using app = await startTransactionApp(database.options, { clock });
    let attempts = 0;
    const end = new Latch();
    const options: BackgroundOptions = { retries: { limit: 1, delay: '1m', jitter: 0 } };
    const job = app.inJob(async () => {
      await app.rows.insert({ id: 3, note: null });
      if (++attempts === 1) throw new Error('boom');
      await end.opened;
    }, options);
    await until(async () => (await job.job()).state === 'scheduled');
    expect((await job.job()).rolledBack).toBe(true);
    await clock.advance(60_000);
    await until(() => attempts === 2);
    expect(await job.job()).not.toHaveProperty('rolledBack');
    end.open();
    await job;
    expect(await job.job()).not.toHaveProperty('rolledBack');
  });

  it.each([
    ['it only read', (): Promise<unknown> => Promise.resolve()],
    [
      'it wrote outside of its transaction',
      (insert: () => Promise<unknown>): Promise<unknown> => outsideTransaction(insert),
    ],
  ])('does not say that they were undone where %s', async (_why, use) => {
    await using app = await startTransactionApp(database.options);
    const job = app.inJob(async () => {
      await app.rows.find();
      await use(() => app.rows.insert({ id: 4, note: null }));
      throw new Error('boom');
    });
    await expect(job).rejects.toThrow('boom');
    expect(await job.job()).not.toHaveProperty('rolledBack');
  });

  it('says that it waits for a connection where all are taken', async () => {
    const clock = fakeClock();
    const options = { ...database.options, poolSize: 1 } as never;
    await using app = await startTransactionApp(options, { clock });
    const [taken, end] = [new Latch(), new Latch()];
    const first = app.inJob(async () => {
      await app.rows.find();
      taken.open();
      await end.opened;
    });
    await taken.opened;
    const second = app.inJob(() => app.rows.find());
    await clock.advance(1_000);
    expect((await second.job()).waitsFor).toMatchObject({ what: 'connection' });
    expect(await first.job()).not.toHaveProperty('waitsFor');
    end.open();
    await second;
  });
});

describe('A job that wants to write to SQLite', () => {
  afterEach(removeFiles);

  it('says that it waits for its turn', async () => {
    const clock = fakeClock();
    await using app = await startSqliteApp({}, { background: { clock } });
    const { over, goOn } = await holdingJob(app.notes);
    const second = app.notes.run((notes) => notes.save({ text: 'second' }));
    await clock.advance(1_000);
    const [waiting, holding] = await app.service.list({ state: 'running' });
    expect(waiting?.waitsFor).toMatchObject({ what: 'writer lock' });
    expect(holding).not.toHaveProperty('waitsFor');
    expect(holding).toHaveProperty('writingSince');
    goOn();
    await Promise.all([over, second]);
  });
});
