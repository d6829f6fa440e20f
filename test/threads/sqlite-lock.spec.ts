import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  it,
  jest,
} from '@jest/globals';
import type { Logger } from '@nestjs/common';
import { DataSource } from 'typeorm';
import type { JobFuture } from '../../src/index.js';
import { LockBorrower } from '../../src/engine/threads/lock-borrower.js';
import { lendLocks } from '../../src/engine/threads/lock-lender.js';
import { DatabaseBusyError, JobTransactionError } from '../../src/errors/transaction.errors.js';
import { systemClock } from '../../src/job/clock.js';
import { fakeClock, type FakeClock } from '../../src/testing/fake-clock.js';
import { JobTransactions } from '../../src/transaction/job-transactions.js';
import { WriterLock } from '../../src/transaction/sqlite/writer-lock.js';
import { build, builtLibrary } from '../support/built.js';
import { newDatabase, type TestDatabase } from '../support/new-database.js';
import { prepare } from '../support/prepare.js';
import { until } from '../support/until.js';
import { closeLedgers, startLedger, type LedgerAppUnderTest } from './ledger-app.js';

jest.setTimeout(60_000);

function futureOf<T>(promise: Promise<T>): JobFuture<T> {
  return promise as JobFuture<T>;
}

/** Long enough for whatever does not wait. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 200; turn++) await new Promise((resolve) => setImmediate(resolve));
}

describe('A SQLite file that threads write to', () => {
  let database: TestDatabase;
  let outside: DataSource;

  beforeAll(async () => {
    build('src', 'test/threads/fixtures');
    database = await newDatabase('sqlite');
    outside = await prepare(database);
  });

  afterAll(async () => {
    await outside.destroy();
    await database[Symbol.asyncDispose]();
  });

  beforeEach(() => outside.query('DELETE FROM ledger'));
  afterEach(closeLedgers);

  const rows = async (): Promise<string[]> =>
    (await outside.query<{ job: string }[]>('SELECT job FROM ledger')).map(({ job }) => job);

  const entered = ({ service }: LedgerAppUnderTest, { id }: JobFuture<unknown>): Promise<void> =>
    until(async () => (await service.output(id)).includes('entered'));

  it('has one writer at a time, in the process and its threads, and nobody stands still', async () => {
    const app = await startLedger({ database: database.options }, { max: 2 });
    const [first, second] = [new SharedArrayBuffer(4), new SharedArrayBuffer(4)];
    const a = futureOf(app.ledger.enters('a', first));
    await entered(app, a);
    const b = futureOf(app.ledger.enters('b', second));
    await until(async () => (await b.job()).state === 'running');
    let isWritten = false;
    const writing = app.dataSource
      .query(`INSERT INTO ledger (job) VALUES ('c')`)
      .then(() => (isWritten = true));
    await turns();
    expect([isWritten, await app.service.output(b.id)]).toEqual([false, '']);
    Atomics.store(new Int32Array(first), 0, 1);
    await a;
    Atomics.store(new Int32Array(second), 0, 1);
    await Promise.all([b, writing]);
    expect((await rows()).sort()).toEqual(['a', 'b', 'c']);
  });

  it('has its thread listen while that waits for the writer', async () => {
    const app = await startLedger({ database: database.options }, { grace: '1m' });
    let waiting!: JobFuture<string>;
    await app.dataSource.transaction(async (manager) => {
      await manager.query(`INSERT INTO ledger (job) VALUES ('a')`);
      const { outsideTransaction } = await builtLibrary();
      waiting = futureOf(outsideTransaction(() => app.ledger.enters('b')));
      await until(async () => (await waiting.job()).state === 'running');
      await turns();
      expect(await waiting.cancel()).toBe(true);
    });
    await expect(waiting).rejects.toMatchObject({ name: 'JobCancelledError' });
    expect(await app.ledger.enters('c')).toBe('c');
    expect(await rows()).toEqual(['a', 'c']);
  });

  it('is free again when a thread is ended that has written to it', async () => {
    const { background } = await builtLibrary();
    const app = await startLedger({ database: database.options });
    const burns = background(app.ledger, { timeout: 500 }).enterAndBurns('a');
    await expect(burns).rejects.toMatchObject({ name: 'JobTimeoutError' });
    await app.dataSource.query(`INSERT INTO ledger (job) VALUES ('b')`);
    expect(await rows()).toEqual(['b']);
  });
});

describe('A lock that is borrowed from another thread', () => {
  const job = { title: 'the transaction of job A (1)', jobId: '1', isJob: true };

  function borrowed(): { lock: WriterLock; borrower: LockBorrower; clock: FakeClock } {
    const clock = fakeClock();
    const lock = new WriterLock('the SQLite file x', clock);
    const borrower = new LockBorrower();
    const port = borrower.handOutLine()!;
    lendLocks({ take: (_file, party, rules) => lock.take(party, rules) }, port);
    return { lock, borrower, clock };
  }

  it('is refused after the limit, with the name of the holder', async () => {
    const { lock, borrower, clock } = borrowed();
    await lock.take(job);
    const waiting = borrower.take('x', { title: 'another' }, { limit: 1_000 });
    const refused = waiting.catch((error: unknown) => error);
    await turns();
    await clock.advance(1_000);
    const error = await refused;
    expect(error).toBeInstanceOf(DatabaseBusyError);
    expect(error).toMatchObject({ holder: job.title, waited: 1_000 });
  });

  it('is refused at once where the wait would never end', async () => {
    const { lock, borrower } = borrowed();
    await lock.take(job);
    const waiting = borrower.take('x', { title: 'a write of job A (1)', jobId: '1' });
    await expect(waiting).rejects.toBeInstanceOf(JobTransactionError);
  });

  it('is given back, and given up', async () => {
    const { lock, borrower } = borrowed();
    const release = await borrower.take('x', job);
    expect(lock.holder).toEqual(job);
    const patience = new AbortController();
    const waiting = borrower.take('x', { title: 'another' }, { signal: patience.signal });
    await turns();
    patience.abort(new Error('no more'));
    await expect(waiting).rejects.toThrow('no more');
    release();
    await until(() => lock.holder === undefined);
  });
});

it('A database in memory, of which each thread has its own, is warned of', async () => {
  const dataSource = await new DataSource({
    type: 'better-sqlite3',
    database: ':memory:',
  }).initialize();
  const warn = jest.fn<(message: string) => void>();
  const logger = { warn } as unknown as Logger;
  const transactions = new JobTransactions(systemClock, logger, 1, new LockBorrower());
  transactions.connect(new Map([['default', dataSource as never]]));
  expect(warn.mock.calls.flat().join()).toContain('which no other thread can see');
  await dataSource.destroy();
});
