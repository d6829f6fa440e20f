import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { timedQuery, type TimedQueryOptions } from '../../src/index.js';
import { fakeClock } from '../../src/testing/index.js';
import { postgresDatabase, type TestDatabase } from '../support/databases.js';
import { describeWithPostgres } from '../support/services.js';
import { closeApps } from '../support/test-app.js';
import { Row, startTransactionApp } from '../support/transaction-app.js';
import { until } from '../support/until.js';

let database: TestDatabase;

beforeAll(async () => {
  database = await postgresDatabase();
});

afterAll(() => database.drop());
afterEach(closeApps);

/** Moves the clock on second by second until the promise is settled. */
async function advanceUntilSettled(
  clock: ReturnType<typeof fakeClock>,
  work: Promise<unknown>,
): Promise<void> {
  let settled = false;
  const settle = (): void => void (settled = true);
  work.then(settle, settle);
  while (!settled) await clock.advance(1_000);
}

describeWithPostgres('timedQuery', () => {
  it('finds at the first try after the commit what a request inserted, and the job can change it', async () => {
    const clock = fakeClock();
    await using app = await startTransactionApp(database.options, { clock });
    const runner = app.outside.createQueryRunner();
    await runner.startTransaction();
    await runner.query('INSERT INTO conformance_row (id) VALUES (1)');
    let looks = 0;
    let looking = 0;
    const look = (): Promise<Row | null> => {
      looks += 1;
      looking += 1;
      return app.rows.findOneBy({ id: 1 }).finally(() => (looking -= 1));
    };
    const job = app.inJob(async () => {
      const row = await timedQuery(look, { retries: 10, interval: '6s' });
      row.note = 'renamed';
      await app.rows.save(row);
    });
    let settled = false;
    job.then(
      () => (settled = true),
      () => (settled = true),
    );
    for (let second = 1; !settled; second++) {
      await clock.advance(1_000);
      await until(() => looking === 0);
      if (second === 8) await runner.commitTransaction();
    }
    await job;
    // At once, after 6 s, after 12 s, and once more inside the transaction.
    expect(looks).toBe(4);
    await runner.release();
    expect(await app.outside.query('SELECT note FROM conformance_row')).toEqual([
      { note: 'renamed' },
    ]);
  });

  it.each<[TimedQueryOptions, number, number]>([
    [{ retries: 10, interval: '6s' }, 11, 60],
    [{ retries: 3, interval: '2s' }, 4, 6],
    [{ retries: 0 }, 1, 0],
  ])(
    'tries with %j exactly %i times in %i s, then says that it found nothing',
    async (options, tries, seconds) => {
      const clock = fakeClock();
      await using app = await startTransactionApp(database.options, { clock });
      let tried = 0;
      const started = clock.now();
      let ended = 0;
      const job = app.inJob(async () => {
        const query = timedQuery(() => {
          tried += 1;
          return Promise.resolve(null);
        }, options);
        return query.finally(() => (ended = clock.now()));
      });
      await advanceUntilSettled(clock, job);
      await expect(job).rejects.toMatchObject({ name: 'TimedQueryTimeoutError', tries });
      expect(tried).toBe(tries);
      expect(Math.round((ended - started) / 1000)).toBe(seconds);
    },
  );

  it.each<[unknown, string]>([
    [{ retries: -1 }, 'retries'],
    [{ retries: NaN }, 'retries'],
    [{ interval: '6 parsecs' }, 'interval'],
    [{ timeout: -5 }, 'timeout'],
    [{ retires: 3 }, 'retires'],
  ])('refuses %j at once', async (options, option) => {
    let tried = false;
    const query = (): Promise<null> => {
      tried = true;
      return Promise.resolve(null);
    };
    await expect(timedQuery(query, options as TimedQueryOptions)).rejects.toMatchObject({
      name: 'BackgroundOptionsError',
      option,
    });
    expect(tried).toBe(false);
  });

  it('refuses what is no query', async () => {
    await expect(timedQuery(42 as never)).rejects.toMatchObject({ name: 'BackgroundOptionsError' });
  });

  it('passes on at once what the query throws', async () => {
    let tried = 0;
    const query = (): Promise<null> => {
      tried += 1;
      return tried === 2 ? Promise.reject(new Error('no such column')) : Promise.resolve(null);
    };
    await expect(timedQuery(query, { interval: 1 })).rejects.toThrow('no such column');
    expect(tried).toBe(2);
  });

  it('takes 0, false and an empty text for found, and an empty array for nothing', async () => {
    expect(await timedQuery(() => Promise.resolve(0))).toBe(0);
    expect(await timedQuery(() => Promise.resolve(false))).toBe(false);
    expect(await timedQuery(() => Promise.resolve(''))).toBe('');
    const none = await timedQuery(() => Promise.resolve([]), { retries: 0, orNull: true });
    expect(none).toBeNull();
  });

  it('ends the wait at once when the job is cancelled, or times out', async () => {
    await using app = await startTransactionApp(database.options);
    const ends: unknown[] = [];
    let waiting = 0;
    const wait = (): Promise<unknown> =>
      timedQuery(() => {
        waiting += 1;
        return Promise.resolve(null);
      }).catch((error: unknown) => ends.push(error));
    const cancelled = app.inJob(wait);
    await until(() => waiting > 0);
    await cancelled.cancel('not needed');
    await expect(cancelled).rejects.toMatchObject({ name: 'JobCancelledError' });
    await expect(app.inJob(wait, { timeout: 50 })).rejects.toMatchObject({
      name: 'JobTimeoutError',
    });
    await until(() => ends.length === 2);
    const tries = waiting;
    expect(ends).toMatchObject([{ name: 'JobCancelledError' }, { name: 'JobTimeoutError' }]);
    expect(waiting).toBe(tries);
  });

  it('does not begin the transaction by looking, and sees new rows once it has begun', async () => {
    await using app = await startTransactionApp(database.options, { concurrency: 1 });
    const found = await app.inJob(async () => {
      await app.rows.find();
      const query = timedQuery(() => app.rows.findOneBy({ id: 5 }));
      await app.harness.insertOutside(5);
      return query;
    });
    expect(found).toMatchObject({ id: 5 });
  });

  it('says at once that a snapshot will never show the row', async () => {
    await using app = await startTransactionApp(database.options);
    const job = app.inJob(
      async () => {
        await app.rows.find();
        await app.harness.insertOutside(6);
        await timedQuery(() => app.rows.findOneBy({ id: 6 }));
      },
      { transaction: { isolation: 'REPEATABLE READ' } },
    );
    await expect(job).rejects.toMatchObject({
      name: 'TimedQuerySnapshotError',
      isolation: 'REPEATABLE READ',
    });
  });

  it('says so too where it looks with the manager of a transaction within the job', async () => {
    await using app = await startTransactionApp(database.options);
    const job = app.inJob(
      () =>
        app.dataSource.transaction((manager) =>
          timedQuery(() => manager.findOneBy(Row, { id: 8 })),
        ),
      { transaction: { isolation: 'REPEATABLE READ' } },
    );
    await expect(job).rejects.toMatchObject({ name: 'TimedQuerySnapshotError' });
  });

  it('waits for a row to lock, and has it locked in the transaction', async () => {
    await using app = await startTransactionApp(database.options);
    const lock = { mode: 'pessimistic_write' } as const;
    const byBuilder = app.rows.createQueryBuilder('row').setLock(lock.mode).where('row.id = 2');
    const job = app.inJob(async () => {
      const [first, second] = [
        await timedQuery(() => app.rows.findOne({ where: { id: 1 }, lock })),
        await timedQuery(byBuilder),
      ];
      const free = await app.outside.query<unknown[]>(
        'SELECT id FROM conformance_row FOR UPDATE SKIP LOCKED',
      );
      return [first.id, second.id, free];
    });
    await app.outside.query('INSERT INTO conformance_row (id) VALUES (1), (2), (3)');
    expect(await job).toEqual([1, 2, [{ id: 3 }]]);
    const inSnapshot = app.inJob(
      () => timedQuery(() => app.rows.findOne({ where: { id: 4 }, lock })),
      { transaction: { isolation: 'REPEATABLE READ' } },
    );
    await expect(inSnapshot).rejects.toMatchObject({ name: 'TimedQuerySnapshotError' });
  });

  it('waits without a slot for others: a request and another job run on', async () => {
    await using app = await startTransactionApp(database.options, { concurrency: 2 });
    const waiting = app.inJob(() => timedQuery(() => app.rows.findOneBy({ id: 7 })));
    const others = await Promise.all([1, 2, 3].map((n) => app.inJob(() => Promise.resolve(n))));
    expect(others).toEqual([1, 2, 3]);
    expect(await app.rows.findOneBy({ id: 7 })).toBeNull();
    await app.harness.insertOutside(7);
    expect(await waiting).toMatchObject({ id: 7 });
  });
});
