import { describe, expect, it } from '@jest/globals';
import { DatabaseBusyError, JobTransactionError } from '../../src/index.js';
import { fakeClock } from '../../src/testing/fake-clock.js';
import { WAIT_LIMIT, WriterLock } from '../../src/transaction/sqlite/writer-lock.js';

const JOB = { title: 'the transaction of job Notes.run (1)', jobId: '1', isJob: true };
const APPLICATION = { title: "the application's own write" };

describe('The writer lock', () => {
  it('is handed on in the order of asking, also to those who ask when it is handed on', async () => {
    const lock = new WriterLock('a file');
    const order: string[] = [];
    const first = await lock.take(JOB);
    const writer = async (name: string): Promise<void> => {
      const release = await lock.take(APPLICATION);
      order.push(name);
      release();
    };
    const waiting = ['a', 'b', 'c'].map(writer);
    first();
    const late = writer('late');
    await Promise.all([...waiting, late]);
    expect(order).toEqual(['a', 'b', 'c', 'late']);
    expect(lock.holder).toBeUndefined();
  });

  it('gives up after the limit, names who holds it, and lets the others wait on', async () => {
    const clock = fakeClock();
    const lock = new WriterLock('the SQLite file test.sqlite', clock);
    const release = await lock.take(JOB);
    const impatient = lock.take(APPLICATION);
    const refused = expect(impatient).rejects.toThrow(DatabaseBusyError);
    const patient = lock.take(APPLICATION, { limit: Infinity });
    await clock.advance(WAIT_LIMIT);
    await refused;
    await expect(impatient).rejects.toMatchObject({
      database: 'the SQLite file test.sqlite',
      holder: 'the transaction of job Notes.run (1)',
      waited: WAIT_LIMIT,
      message: expect.stringContaining('compute first, save at the end'),
    });
    release();
    (await patient)();
    expect(lock.holder).toBeUndefined();
  });

  it('is not lost to a waiter who gave up', async () => {
    const lock = new WriterLock('a file');
    const release = await lock.take(JOB);
    const leaving = new AbortController();
    const left = lock.take(APPLICATION, { signal: leaving.signal });
    const next = lock.take(APPLICATION);
    leaving.abort(new Error('cancelled'));
    await expect(left).rejects.toThrow('cancelled');
    release();
    (await next)();
    expect(lock.holder).toBeUndefined();
  });

  it('is released once, however often the same holder says so', async () => {
    const lock = new WriterLock('a file');
    const release = await lock.take(JOB);
    release();
    await lock.take(APPLICATION);
    release();
    expect(lock.holder).toBe(APPLICATION);
  });

  it("refuses at once to let a job's code wait for that job's transaction, also for one that waits itself", async () => {
    const lock = new WriterLock('a file');
    const outside = { title: 'a write of job Notes.run (1), outside', jobId: '1' };
    const others = await lock.take(APPLICATION);
    const transaction = lock.take(JOB);
    await expect(lock.take(outside)).rejects.toThrow(JobTransactionError);
    others();
    await transaction;
    await expect(lock.take(outside)).rejects.toThrow('never end');
  });

  it('lets the transaction of a job wait for what the job does outside of it', async () => {
    const lock = new WriterLock('a file');
    const outside = await lock.take({ title: 'a write of job Notes.run (1), outside', jobId: '1' });
    const transaction = lock.take(JOB);
    outside();
    await expect(transaction).resolves.toBeInstanceOf(Function);
  });
});
