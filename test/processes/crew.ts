import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import type { Type } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import { typeOrmTracker, type BackgroundModuleOptions, type JobTracker } from '../../src/index.js';
import { bullMqEngine, type BullMqEngineOptions } from '../../src/engine/bullmq/entry.js';
import { redisTracker, type RedisTrackerOptions } from '../../src/tracker/redis/entry.js';
import { createBackgroundTables } from '../../src/tracker/typeorm/entry.js';
import { newDatabase, type TestDatabase } from '../support/new-database.js';
import { dropQueue } from '../support/queues.js';
import { removeKeys } from '../support/redis.js';
import { startApp, type TestApp } from '../support/test-app.js';
import { Far } from './far.js';
import { killWorker, startWorker, stopWorker } from './worker-process.js';

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
  readonly #workers = new Set<ChildProcess>();
  readonly #apps: TestApp[] = [];
  #queue = newQueueName();

  private constructor(
    private readonly kind: Kind,
    private readonly redis: string,
    private readonly database: TestDatabase,
    readonly outside: DataSource,
  ) {}

  static async gather(kind: Kind, redis = process.env['REDIS_URL']!): Promise<Crew> {
    const database = await newDatabase('postgres');
    const outside = await new DataSource(database.options).initialize();
    const runner = outside.createQueryRunner();
    await createBackgroundTables(runner);
    await runner.query('CREATE TABLE ledger (job varchar(36) NOT NULL, attempt integer NOT NULL)');
    await runner.query('CREATE TABLE door (name varchar(64) NOT NULL)');
    await runner.release();
    return new Crew(kind, redis, database, outside);
  }

  get engine(): BullMqEngineOptions {
    const rest = { queue: this.#queue, lock: '2s' };
    return this.kind === 'PostgreSQL'
      ? { postgres: { connectionString: this.url, schema: 'bullmq' }, ...rest }
      : { redis: this.redis, ...rest };
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
    const { url, engine, tracker } = this;
    const worker = await startWorker({ url, engine, tracker, ...options });
    this.#workers.add(worker);
    return worker;
  }

  dismiss(worker: ChildProcess, how: 'SIGKILL' | 'politely'): Promise<void> {
    this.#workers.delete(worker);
    return how === 'SIGKILL' ? killWorker(worker) : stopWorker(worker);
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

  /** All stop, and what was done is forgotten; the next jobs are in a queue of their own. */
  async rest(): Promise<void> {
    await this.#stop();
    const tables = ['background_job', 'background_output', 'background_lease', 'ledger', 'door'];
    await this.outside.query(`TRUNCATE ${tables.join(', ')}`);
    this.#queue = newQueueName();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stop();
    await this.outside.destroy();
    await this.database[Symbol.asyncDispose]();
  }

  async #stop(): Promise<void> {
    await Promise.all(this.#apps.splice(0).map((app) => app[Symbol.asyncDispose]()));
    await Promise.all([...this.#workers].map(stopWorker));
    this.#workers.clear();
    if (this.engine.redis) await dropQueue(this.engine, this.#queue).catch(() => undefined);
    if (this.tracker) await removeKeys(this.redis, this.#queue);
  }

  private get url(): string {
    return (this.database.options as { url: string }).url;
  }

  /** Of `redisTracker`, where it keeps the jobs. */
  private get tracker(): RedisTrackerOptions | undefined {
    const { redis, kind } = this;
    return kind === 'Redis, as its jobs' ? { url: redis, prefix: this.#queue } : undefined;
  }
}

function newQueueName(): string {
  return `test-${randomBytes(6).toString('hex')}`;
}
