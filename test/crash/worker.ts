import 'reflect-metadata';
import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { TypeOrmModule } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import {
  Background,
  BackgroundModule,
  currentJob,
  jobOf,
  outsideTransaction,
  print,
  setProgress,
  timedQuery,
  typeOrmTracker,
  type JobEngine,
  type JobFuture,
} from '../../src/index.js';

/** A process that starts jobs and runs them, to be killed at any moment. It is told what to do by environment. */
const URL = process.env['CRASH_URL']!;
const ENGINE = process.env['CRASH_ENGINE'];
const IN_FLIGHT = Number(process.env['CRASH_IN_FLIGHT'] ?? 40);
const LEASE = process.env['CRASH_LEASE'] ?? '1.5s';
const MAX_STALLED = process.env['CRASH_MAX_STALLED'];

/** Loaded only where it is used, since many of these processes are started. */
async function bullMq(options: string): Promise<JobEngine> {
  const { bullMqEngine } = await import('../../src/engine/bullmq/entry.js');
  return bullMqEngine(JSON.parse(options) as Parameters<typeof bullMqEngine>[0]);
}

@Injectable()
class Ledger {
  constructor(private readonly dataSource: DataSource) {}

  @Background({ name: 'ledger' })
  async enter(pause: number): Promise<string> {
    const { id, attempt } = currentJob()!;
    await this.dataSource.query('INSERT INTO ledger (job, attempt) VALUES ($1, $2)', [id, attempt]);
    print(`attempt ${attempt}`);
    setProgress(50);
    await new Promise((resolve) => setTimeout(resolve, pause));
    return id;
  }

  /** Writes, then waits until the test lets this attempt go on. */
  @Background({ name: 'patient' })
  async enterPatiently(): Promise<number> {
    const { id, attempt } = currentJob()!;
    await this.dataSource.query('INSERT INTO ledger (job, attempt) VALUES ($1, $2)', [id, attempt]);
    print(`attempt ${attempt}`);
    await outsideTransaction(() =>
      timedQuery<unknown[]>(
        () => this.dataSource.query('SELECT 1 FROM gate WHERE attempt = $1', [attempt]),
        { retries: 10_000, interval: 20 },
      ),
    );
    print(`done ${attempt}`);
    return attempt;
  }

  /** Ends its process, as one does that takes too much memory. */
  @Background({ name: 'killer' })
  async kill(): Promise<void> {
    print('killing');
    await new Promise((resolve) => setTimeout(resolve, 50));
    process.exit(7);
  }

  start(name: string): JobFuture<unknown> {
    if (name === 'killer') return jobOf(this.kill());
    return name === 'patient' ? jobOf(this.enterPatiently()) : jobOf(this.enter(1_000));
  }
}

@Module({
  imports: [
    TypeOrmModule.forRoot({ type: 'postgres', url: URL, poolSize: 12, retryAttempts: 0 }),
    BackgroundModule.forRoot({
      tracker: typeOrmTracker({ lease: LEASE, recovery: '500ms' }),
      maxStalledCount: MAX_STALLED === undefined ? undefined : Number(MAX_STALLED),
      engine: ENGINE ? await bullMq(ENGINE) : undefined,
      retention: { completed: '1d', count: Infinity },
      output: { console: 'off' },
    }),
  ],
  providers: [Ledger],
})
class Worker {}

let starting = IN_FLIGHT > 0;
process.on('message', (told: string) => {
  if (told === 'stop') starting = false;
  else startOne(told);
});
const app = await NestFactory.createApplicationContext(Worker, { logger: ['error', 'warn'] });
process.send?.('ready');
const ledger = app.get(Ledger);
await Promise.all(Array.from({ length: IN_FLIGHT }, keepStarting));

/** Starts a job by its name, and tells its id and how it came out here. */
function startOne(name: string): void {
  const future = app.get(Ledger).start(name);
  void future.accepted.then(() => process.send?.({ accepted: future.id }));
  future.then(
    () => process.send?.({ ended: future.id }),
    (error: Error) => process.send?.({ ended: future.id, error: error.name }),
  );
}

async function keepStarting(): Promise<void> {
  while (starting) {
    const future = jobOf(ledger.enter(Math.floor(Math.random() * 20)));
    // A failure of the database is told by the job's record.
    await future.catch(() => new Promise((resolve) => setTimeout(resolve, 100)));
  }
}
