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
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { DataSource } from 'typeorm';
import type { JobFuture } from '../../src/index.js';
import { build, builtLibrary, builtUrl } from '../support/built.js';
import { newDatabase, REACHABLE, type TestDatabase } from '../support/new-database.js';
import { prepare } from '../support/prepare.js';
import { until } from '../support/until.js';
import {
  closeLedgers,
  closeSharedLedgers,
  sharedLedger,
  startLedger,
  type LedgerAppUnderTest,
} from './ledger-app.js';

// Tests start threads, and in them applications; on a busy machine that takes its time.
jest.setTimeout(60_000);

beforeAll(() => build('src', 'test/threads/fixtures'));

function futureOf<T>(promise: Promise<T>): JobFuture<T> {
  return promise as JobFuture<T>;
}

describe.each(REACHABLE)('The transaction of a job in a thread, on %s', (kind) => {
  let database: TestDatabase;
  let outside: DataSource;
  let folder: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'threads-'));
    database = await newDatabase(kind);
    outside = await prepare(database);
  });

  afterAll(async () => {
    await closeSharedLedgers();
    rmSync(folder, { recursive: true });
    await outside.destroy();
    await database[Symbol.asyncDispose]();
  });

  beforeEach(async () => {
    // Not the leases: an application that the tests share is alive.
    for (const table of ['background_job', 'background_output', 'ledger']) {
      await outside.query(`DELETE FROM ${table}`);
    }
  });

  afterEach(closeLedgers);

  const rows = async (): Promise<string[]> => {
    const found = await outside.query<{ job: string }[]>('SELECT job FROM ledger ORDER BY job');
    return found.map(({ job }) => job);
  };

  const start = (durable = false): Promise<LedgerAppUnderTest> =>
    sharedLedger({ database: database.options, durable });

  const entered = ({ service }: LedgerAppUnderTest, { id }: JobFuture<unknown>): Promise<void> =>
    until(async () => (await service.output(id)).includes('entered'));

  it('is not there twice, nor lost, where the process is killed in it', async () => {
    // Another process that has jobs here would take this one over if the doomed one were held up, and not only when it is dead.
    // This test is the first, so that none is there yet.
    await closeSharedLedgers();
    const options = { database: database.options, durable: true };
    const flag = join(folder, 'killed');
    const doomed = fork(fileURLToPath(builtUrl('test/threads/fixtures/process.ts')), {
      env: { ...process.env, LEDGER_OPTIONS: JSON.stringify(options), LEDGER_FLAG: flag },
      // It lives too briefly for optimized code to be worth the time that it takes to make.
      execArgv: ['--no-opt'],
    });
    const [id] = (await once(doomed, 'message')) as [string];
    doomed.kill('SIGKILL');
    await once(doomed, 'exit');
    expect(await rows()).toEqual([]);
    writeFileSync(flag, '');
    const { service } = await start(true);
    expect(await service.wait(id)).toBe(2);
    expect(await rows()).toEqual(['a']);
  });

  it('hides its rows until it has ended, and then shows them', async () => {
    const app = await start();
    const flag = new SharedArrayBuffer(4);
    const future = futureOf(app.ledger.enters('a', flag));
    await entered(app, future);
    expect(await rows()).toEqual([]);
    Atomics.store(new Int32Array(flag), 0, 1);
    expect(await future).toBe('a');
    expect(await rows()).toEqual(['a']);
  });

  it('is undone where the method throws', async () => {
    const { ledger } = await start();
    await expect(ledger.fails('a')).rejects.toThrow('not this time');
    expect(await ledger.enters('b')).toBe('b');
    expect(await rows()).toEqual(['b']);
  });

  it('is undone where a timeout ends the thread', async () => {
    const { background, JobTimeoutError } = await builtLibrary();
    const { ledger } = await start();
    await ledger.enters('a');
    const burns = background(ledger, { timeout: 500 }).enterAndBurns('b');
    await expect(burns).rejects.toBeInstanceOf(JobTimeoutError);
    await ledger.enters('c');
    expect(await rows()).toEqual(['a', 'c']);
  });

  it('is undone at once where a cancel finds the thread listening, whatever the method does', async () => {
    const app = await startLedger({ database: database.options }, { grace: '1m' });
    const future = futureOf(app.ledger.entersAndHangs('a'));
    await entered(app, future);
    expect(await future.cancel()).toBe(true);
    await expect(future).rejects.toMatchObject({ name: 'JobCancelledError' });
    await outside.query(`INSERT INTO ledger (job) VALUES ('b')`);
    expect(await rows()).toEqual(['b']);
  });

  it('leaves alone what is done outside of it', async () => {
    const { ledger } = await start();
    if (kind === 'sqlite') {
      const refusal = ledger.notesOutside('a');
      await expect(refusal).rejects.toThrow("which the job's own transaction");
      return expect(await rows()).toEqual([]);
    }
    await expect(ledger.notesOutside('a')).rejects.toThrow('noted');
    expect(await rows()).toEqual(['a']);
  });

  it('is none where the job wants none', async () => {
    const { ledger } = await start();
    await expect(ledger.entersAtOnce('a')).rejects.toThrow('kept');
    expect(await rows()).toEqual(['a']);
  });

  it('sees what timedQuery waits for', async () => {
    const app = await start();
    const future = futureOf(app.ledger.finds('a'));
    await until(async () => (await future.job()).state === 'running');
    await outside.query(`INSERT INTO ledger (job) VALUES ('a')`);
    expect(await future).toEqual([{ job: 'a' }]);
  });

  it('has the mark of completion in it, where jobs are kept in the same database', async () => {
    const { ledger, service } = await start(true);
    const future = futureOf(ledger.enters('a'));
    await future;
    const [job] = await outside.query<{ state: string; attempt: number }[]>(
      `SELECT state, attempt FROM background_job WHERE id = '${future.id}'`,
    );
    expect(job).toMatchObject({ state: 'completed', attempt: 1 });
    expect(await service.output(future.id)).toBe('entered\n');
    expect(await rows()).toEqual(['a']);
  });

  it('is undone where another process has taken the job over', async () => {
    const { ledger, service } = await start(true);
    const flag = join(folder, 'taken-over');
    const future = futureOf(ledger.waitsAndEnters('a', flag));
    await until(async () => (await service.output(future.id)).includes('waiting'));
    await outside.query(`UPDATE background_job SET attempt = 7 WHERE id = '${future.id}'`);
    writeFileSync(flag, '');
    // Its transaction is refused, or this process has heard of it before.
    await expect(future).rejects.toThrow(/has taken it over|was taken over/);
    expect(await rows()).toEqual([]);
    await outside.query('DELETE FROM background_job');
  });

  it.each([false, true])(
    'holds back the jobs that are called in it until it is committed (durable: %s)',
    async (durable) => {
      const { ledger, service } = await start(durable);
      const id = await ledger.startsAnother('a');
      await until(async () => (await rows()).length === 2);
      expect(await rows()).toEqual(['a', 'child saw 1']);
      if (!durable) return;
      await until(async () => (await service.find(id))?.state === 'completed');
      expect((await service.find(id))?.parentId).toBeDefined();
    },
  );

  it('takes them along where it is undone', async () => {
    const { ledger, service } = await start(true);
    await expect(ledger.startsAnother('a', 'undo')).rejects.toThrow('undo');
    await ledger.enters('b');
    expect(await rows()).toEqual(['b']);
    expect(await service.list({ name: 'Ledger.sees' })).toEqual([]);
  });

  it('is done with when a job that was called in it goes on, elsewhere if the thread is ended', async () => {
    const { background } = await builtLibrary();
    const { ledger, service } = await start(true);
    const flag = join(folder, 'left');
    const id = await ledger.leavesAnother(flag);
    await until(async () => (await service.find(id))?.state === 'running');
    const burns = background(ledger, { timeout: 300 }).enterAndBurns('a');
    await expect(burns).rejects.toMatchObject({ name: 'JobTimeoutError' });
    writeFileSync(flag, '');
    expect(await service.wait(id)).toBe(0);
    expect((await service.find(id))?.attempt).toBe(2);
  });

  it('refuses at once to wait for a job that is to start when it is committed', async () => {
    const { JobDeadlockError } = await builtLibrary();
    const { ledger } = await start();
    await expect(ledger.awaitsAnother('a')).rejects.toBeInstanceOf(JobDeadlockError);
    expect(await rows()).toEqual([]);
  });
});
