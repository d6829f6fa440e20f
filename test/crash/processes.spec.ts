import { fork, type ChildProcess } from 'node:child_process';
import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import pg from 'pg';
import { describeWithPostgres } from '../support/services.js';
import { until } from '../support/until.js';
import { newCrashDatabase } from './crash-database.mjs';
import { transpile } from './transpile.mjs';

interface Told {
  readonly accepted?: string;
  readonly ended?: string;
  readonly error?: string;
}

describeWithPostgres('Of several processes', (server) => {
  let script: string;
  let database: Awaited<ReturnType<typeof newCrashDatabase>>;
  let client: pg.Client;
  const workers: Worker[] = [];

  /** A process with jobs, and what it has told. */
  class Worker {
    readonly told: Told[] = [];
    isReady = false;
    hasEnded = false;
    readonly process: ChildProcess;

    constructor(env: Record<string, string> = {}) {
      const own = { CRASH_URL: database.url, CRASH_IN_FLIGHT: '0', CRASH_LEASE: '700ms' };
      this.process = fork(script, { env: { ...process.env, ...own, ...env }, execArgv: [] });
      this.process.on('exit', () => (this.hasEnded = true));
      this.process.on('message', (message: 'ready' | Told) => {
        if (message === 'ready') this.isReady = true;
        else this.told.push(message);
      });
      workers.push(this);
    }

    async start(name: string): Promise<string> {
      const before = this.told.filter(({ accepted }) => accepted).length;
      this.process.send(name);
      const accepted = (): Told[] => this.told.filter((told) => told.accepted);
      await until(() => accepted().length > before);
      return accepted().at(-1)!.accepted!;
    }
  }

  async function newWorker(env?: Record<string, string>): Promise<Worker> {
    const worker = new Worker(env);
    await until(() => worker.isReady || worker.hasEnded, 'the worker is ready');
    return worker;
  }

  const rows = async <T>(sql: string, values: unknown[] = []): Promise<T[]> =>
    (await client.query(sql, values)).rows as T[];
  const jobOfId = async (id: string): Promise<{ state: string; attempt: number; error: unknown }> =>
    (
      await rows<{ state: string; attempt: number; error: unknown }>(
        'SELECT state, attempt, error FROM background_job WHERE id = $1',
        [id],
      )
    )[0]!;
  const outputOf = async (id: string): Promise<string> =>
    JSON.stringify(await rows('SELECT chunks FROM background_output WHERE job_id = $1', [id]));

  beforeAll(async () => {
    script = await transpile();
    database = await newCrashDatabase(server);
    client = new pg.Client(database.url);
    await client.connect();
  });

  afterEach(() => workers.splice(0).forEach((worker) => worker.process.kill('SIGKILL')));

  afterAll(async () => {
    await client.end();
    await database.drop();
  });

  it('one that stood still past its lease takes back what it did, and says no more', async () => {
    const zombie = await newWorker();
    const id = await zombie.start('patient');
    await until(async () => (await outputOf(id)).includes('attempt 1'));
    zombie.process.kill('SIGSTOP');
    await newWorker();
    await until(async () => (await outputOf(id)).includes('attempt 2'));
    zombie.process.kill('SIGCONT');
    await rows('INSERT INTO gate VALUES (1)');
    await until(() => zombie.told.some(({ ended }) => ended === id));
    // It hears of the other attempt before it comes to its end, or there.
    const { error } = zombie.told.at(-1)!;
    expect(['JobTransactionError', 'JobInterruptedError']).toContain(error);
    expect(await jobOfId(id)).toMatchObject({ state: 'running', attempt: 2 });
    await rows('INSERT INTO gate VALUES (2)');
    await until(async () => (await jobOfId(id)).state === 'completed');
    expect(await rows('SELECT attempt FROM ledger WHERE job = $1', [id])).toEqual([{ attempt: 2 }]);
    expect(await outputOf(id)).toContain('done 2');
    expect(await outputOf(id)).not.toContain('done 1');
  }, 60_000);

  it('a job that ends each of them fails in the end, and those beside it are done', async () => {
    const env = { CRASH_MAX_STALLED: '2' };
    const first = await newWorker(env);
    const innocent = [await first.start('ledger'), await first.start('ledger')];
    const killer = await first.start('killer');
    let deaths = 0;
    for (let worker = first; (await jobOfId(killer)).state !== 'failed';) {
      await until(async () => worker.hasEnded || (await jobOfId(killer)).state === 'failed');
      if (!worker.hasEnded) continue;
      deaths += 1;
      worker = await newWorker(env);
    }
    expect(deaths).toBe(3);
    expect(await jobOfId(killer)).toMatchObject({ attempt: 3 });
    const { name, message } = (await jobOfId(killer)).error as Error;
    expect(name).toBe('JobInterruptedError');
    expect(message).toContain('maxStalledCount');
    for (const id of innocent) {
      await until(async () => (await jobOfId(id)).state === 'completed');
      expect(await rows('SELECT 1 FROM ledger WHERE job = $1', [id])).toHaveLength(1);
    }
  }, 90_000);
});
