import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { randomBytes } from 'node:crypto';
import type { Type } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import { typeOrmTracker, type BackgroundModuleOptions, type JobTracker } from '../../src/index.js';
import { bullMqEngine, type BullMqEngineOptions } from '../../src/engine/bullmq/entry.js';
import { redisTracker, type RedisTrackerOptions } from '../../src/tracker/redis/entry.js';
import { createBackgroundTables } from '../../src/tracker/typeorm/entry.js';
import { transpile } from '../crash/transpile.mjs';
import { newDatabase, type TestDatabase } from '../support/new-database.js';
import { dropQueue } from '../support/queues.js';
import { startApp, type TestApp } from '../support/test-app.js';
import { Far } from './far.js';

interface Front {
  readonly work?: boolean;
  readonly controllers?: Type[];
  readonly providers?: Type[];
}

/** Where the queue is, and where jobs are kept: in PostgreSQL, but for the last kind. */
export type Kind = 'Redis' | 'PostgreSQL' | 'Redis, as its jobs';

/** The queues that can be reached here. */
export const QUEUES: readonly Kind[] = [
  ...(process.env['REDIS_URL'] === 'off' ? [] : (['Redis', 'Redis, as its jobs'] as const)),
  'PostgreSQL',
];

/** A database, a queue, and processes over both: this one, and others of their own. */
export class Crew implements AsyncDisposable {
  readonly #workers: ChildProcess[] = [];
  readonly #apps: TestApp[] = [];

  private constructor(
    private readonly database: TestDatabase,
    private readonly script: string,
    readonly outside: DataSource,
    readonly engine: BullMqEngineOptions,
    /** Of `redisTracker`, where it keeps the jobs. */
    private readonly tracker: RedisTrackerOptions | undefined,
  ) {}

  static async gather(kind: Kind, redis = process.env['REDIS_URL']!): Promise<Crew> {
    const script = await transpile('test/processes/worker');
    const database = await newDatabase('postgres');
    const outside = await new DataSource(database.options).initialize();
    const runner = outside.createQueryRunner();
    await createBackgroundTables(runner);
    await runner.query('CREATE TABLE ledger (job varchar(36) NOT NULL, attempt integer NOT NULL)');
    await runner.query('CREATE TABLE door (name varchar(64) NOT NULL)');
    await runner.release();
    const postgres = (database.options as { url: string }).url;
    const place =
      kind === 'PostgreSQL'
        ? { postgres: { connectionString: postgres, schema: 'bullmq' } }
        : { redis };
    const queue = `test-${randomBytes(6).toString('hex')}`;
    const tracker = kind === 'Redis, as its jobs' ? { url: redis, prefix: queue } : undefined;
    return new Crew(database, script, outside, { ...place, queue, lock: '2s' }, tracker);
  }

  /** This process; it serves HTTP, and does not work unless it is told to. */
  async front(
    options: BackgroundModuleOptions = {},
    { work = false, controllers = [], providers = [] }: Front = {},
  ): Promise<TestApp> {
    const app = await startApp({
      imports: [TypeOrmModule.forRoot({ ...this.database.options, retryAttempts: 0 })],
      ...{ controllers, providers: [Far, ...providers] },
      background: {
        tracker: this.newTracker('300ms'),
        engine: bullMqEngine({ ...this.engine, work }),
        ...options,
      },
    });
    this.#apps.push(app);
    return app;
  }

  newTracker(recovery: string): JobTracker {
    const pace = { lease: '1.5s', recovery };
    return this.tracker ? redisTracker({ ...this.tracker, ...pace }) : typeOrmTracker(pace);
  }

  /** A process of its own that works. */
  async hire(options: { concurrency?: number; recovery?: string } = {}): Promise<ChildProcess> {
    const { url } = this.database.options as { url: string };
    const { engine, tracker } = this;
    const settings = JSON.stringify({ url, engine, tracker, ...options });
    const worker = fork(this.script, {
      env: { ...process.env, WORKER: settings, NODE_OPTIONS: '' },
      execArgv: ['--enable-source-maps'],
    });
    this.#workers.push(worker);
    await once(worker, 'message');
    return worker;
  }

  async dismiss(worker: ChildProcess, how: 'SIGKILL' | 'politely'): Promise<void> {
    if (worker.exitCode !== null || worker.signalCode) return;
    const exited = once(worker, 'exit');
    if (how === 'SIGKILL') worker.kill(how);
    else worker.send('stop');
    await exited;
  }

  async openDoor(name: string): Promise<void> {
    await this.outside.query('INSERT INTO door (name) VALUES ($1)', [name]);
  }

  async stateOf(id: string): Promise<string | undefined> {
    const sql = 'SELECT state FROM background_job WHERE id = $1';
    return (await this.outside.query<{ state: string }[]>(sql, [id]))[0]?.state;
  }

  async attempts(id: string): Promise<number[]> {
    const sql = 'SELECT attempt FROM ledger WHERE job = $1 ORDER BY attempt';
    const rows = await this.outside.query<{ attempt: number }[]>(sql, [id]);
    return rows.map(({ attempt }) => attempt);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#apps.map((app) => app[Symbol.asyncDispose]()));
    await Promise.all(this.#workers.map((worker) => this.dismiss(worker, 'SIGKILL')));
    await this.outside.destroy();
    if (this.engine.redis) await dropQueue(this.engine, this.engine.queue!).catch(() => undefined);
    await this.database[Symbol.asyncDispose]();
  }
}
