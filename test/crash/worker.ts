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
  print,
  setProgress,
  typeOrmTracker,
} from '../../src/index.js';

/** A process that starts jobs and runs them, to be killed at any moment. It is told what to do by environment. */
const URL = process.env['CRASH_URL']!;
const IN_FLIGHT = Number(process.env['CRASH_IN_FLIGHT'] ?? 40);

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
}

@Module({
  imports: [
    TypeOrmModule.forRoot({ type: 'postgres', url: URL, poolSize: 12, retryAttempts: 0 }),
    BackgroundModule.forRoot({
      tracker: typeOrmTracker({ lease: '1.5s', recovery: '500ms' }),
      retention: { completed: '1d', count: Infinity },
      output: { console: 'off' },
    }),
  ],
  providers: [Ledger],
})
class Worker {}

let starting = IN_FLIGHT > 0;
process.on('message', () => (starting = false));
const app = await NestFactory.createApplicationContext(Worker, { logger: ['error', 'warn'] });
process.send?.('ready');
const ledger = app.get(Ledger);
await Promise.all(Array.from({ length: IN_FLIGHT }, keepStarting));

async function keepStarting(): Promise<void> {
  while (starting) {
    const future = jobOf(ledger.enter(Math.floor(Math.random() * 20)));
    // A failure of the database is told by the job's record.
    await future.catch(() => new Promise((resolve) => setTimeout(resolve, 100)));
  }
}
