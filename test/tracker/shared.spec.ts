import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import {
  Background,
  background,
  currentJob,
  JobCancelledError,
  jobOf,
  typeOrmTracker,
  type BackgroundModuleOptions,
} from '../../src/index.js';
import { prepare } from '../support/prepare.js';
import { Latch } from '../support/latch.js';
import { newDatabase, REACHABLE, type TestDatabase } from '../support/new-database.js';
import { closeApps, startApp, type TestApp } from '../support/test-app.js';
import { until } from '../support/until.js';

@Injectable()
class Shared {
  latch = new Latch();
  readonly begun: unknown[] = [];
  readonly aborted: unknown[] = [];

  constructor(private readonly dataSource: DataSource) {}

  @Background({ name: 'shared' })
  async waits(what: string): Promise<string> {
    const { signal, attempt } = currentJob()!;
    this.begun.push(what);
    signal.addEventListener('abort', () => this.aborted.push(signal.reason));
    if (what === 'writes') await this.enter('row');
    if (what === 'fails' && attempt === 1) throw new Error('the first time');
    await this.latch.opened;
    if (what === 'writes at last') await this.enter('row');
    return `${what} ${attempt}`;
  }

  @Background({ name: 'effects', transaction: false })
  async effects(): Promise<void> {
    this.begun.push('effects');
    await this.latch.opened;
  }

  private async enter(row: string): Promise<void> {
    await this.dataSource.query(`INSERT INTO ledger (job) VALUES ('${row}')`);
  }
}

describe.each(REACHABLE)('Two processes with one tracker, on %s', (kind) => {
  let database: TestDatabase;
  let outside: DataSource;

  beforeAll(async () => {
    database = await newDatabase(kind);
    outside = await prepare(database);
  });

  afterAll(async () => {
    await outside.destroy();
    await database[Symbol.asyncDispose]();
  });

  beforeEach(async () => {
    for (const table of ['background_job', 'background_output', 'background_lease', 'ledger']) {
      await outside.query(`DELETE FROM ${table}`);
    }
  });

  afterEach(closeApps);

  const rows = (): Promise<unknown[]> => outside.query('SELECT job FROM ledger');

  function start(options: BackgroundModuleOptions = {}, providers = [Shared]): Promise<TestApp> {
    return startApp({
      imports: [TypeOrmModule.forRoot({ ...database.options, retryAttempts: 0 })],
      providers,
      background: { tracker: typeOrmTracker(), ...options },
    });
  }

  // In a file, nobody can write that a job is cancelled while that very job writes.
  const what = kind === 'sqlite' ? 'reads' : 'writes';

  it('cancel what runs in the other', async () => {
    const [a, b] = [await start(), await start()];
    const jobs = a.get(Shared);
    const future = jobOf(jobs.waits(what));
    const rejected = future.catch((error: unknown) => error);
    await until(() => jobs.begun.length === 1);
    expect(await b.service.cancel(future.id, 'enough')).toBe(true);
    const error = await rejected;
    expect(error).toBeInstanceOf(JobCancelledError);
    expect(error).toMatchObject({ jobId: future.id, jobName: 'shared' });
    expect((error as Error).message).toContain('was cancelled: enough');
    expect(jobs.aborted).toEqual([error]);
    expect((await a.service.find(future.id))?.state).toBe('cancelled');
    expect(await rows()).toEqual([]);
    const told = { jobId: future.id, message: (error as Error).message };
    for (const { service } of [a, b]) {
      const waited = service.wait(future.id).catch((error: unknown) => error);
      expect(await waited).toBeInstanceOf(JobCancelledError);
      expect(await waited).toMatchObject(told);
    }
  });

  it('cancel what waits in the other: it never starts, and its future is told at once', async () => {
    const [a, b] = [await start({ concurrency: 1 }), await start()];
    const jobs = a.get(Shared);
    const running = jobOf(jobs.waits('reads'));
    await until(() => jobs.begun.length === 1);
    const waiting = jobOf(jobs.waits('later'));
    const rejected = expect(waiting).rejects.toBeInstanceOf(JobCancelledError);
    await waiting.accepted;
    expect(await b.service.cancel(waiting.id)).toBe(true);
    await rejected;
    jobs.latch.open();
    expect(await running).toBe('reads 1');
    expect(jobs.begun).toEqual(['reads']);
    expect((await a.service.find(waiting.id))?.state).toBe('cancelled');
  });

  it.each(['writes at last', 'effects'] as const)(
    'agree on a cancel that comes just before the end: %s',
    async (which) => {
      const [a, b] = [await start(), await start()];
      const jobs = a.get(Shared);
      const future = which === 'effects' ? jobOf(jobs.effects()) : jobOf(jobs.waits(which));
      await until(() => jobs.begun.length === 1);
      expect(await b.service.cancel(future.id)).toBe(true);
      jobs.latch.open();
      await expect(future).rejects.toBeInstanceOf(JobCancelledError);
      expect((await b.service.find(future.id))?.state).toBe('cancelled');
      expect(await rows()).toEqual([]);
    },
  );

  it('run again what has failed in the other, or was cancelled there', async () => {
    const [a, b] = [await start(), await start()];
    const failed = jobOf(a.get(Shared).waits('fails'));
    await expect(failed).rejects.toThrow('the first time');
    const delayed = background(a.get(Shared), { delay: '1h' }).waits('reads');
    const cancelled = expect(delayed).rejects.toBeInstanceOf(JobCancelledError);
    expect(await delayed.cancel()).toBe(true);
    await cancelled;
    b.get(Shared).latch.open();
    expect(await b.service.retry(failed.id)).toBe(true);
    expect(await b.service.wait(failed.id)).toBe('fails 2');
    expect(await b.service.retry(delayed.id)).toBe(true);
    expect(await b.service.wait(delayed.id)).toBe('reads 1');
    expect(await b.service.retry(failed.id)).toBe(false);
    expect(a.get(Shared).begun).toEqual(['fails']);
  });

  it('leave alone what they have no method for', async () => {
    const [a, b] = [await start(), await start({}, [])];
    const failed = jobOf(a.get(Shared).waits('fails'));
    await expect(failed).rejects.toThrow('the first time');
    expect(await b.service.retry(failed.id)).toBe(false);
    expect((await b.service.find(failed.id))?.state).toBe('failed');
  });
});
