import 'reflect-metadata';
import { Module, type DynamicModule } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { TypeOrmModule } from '@nestjs/typeorm';
import { BackgroundModule, typeOrmTracker } from '../../src/index.js';
import { bullMqEngine } from '../../src/engine/bullmq/entry.js';
import { redisTracker } from '../../src/tracker/redis/entry.js';
import { Far } from './far.js';
import type { WorkerSettings } from './worker-process.js';

/** A process with an application that runs the jobs of others, from the settings that it is sent until it is told `stop`. */
@Module({})
class Worker {}

function workerOf(settings: WorkerSettings): DynamicModule {
  const { url, engine, tracker, concurrency, recovery = '300ms' } = settings;
  const pace = { lease: '1.5s', recovery };
  return {
    module: Worker,
    imports: [
      TypeOrmModule.forRoot({ type: 'postgres', url, poolSize: 12, retryAttempts: 0 }),
      BackgroundModule.forRoot({
        tracker: tracker ? redisTracker({ ...tracker, ...pace }) : typeOrmTracker(pace),
        engine: bullMqEngine(engine),
        output: { console: 'off' },
        shutdown: { grace: 0 },
        ...(concurrency ? { concurrency } : {}),
      }),
    ],
    providers: [Far],
  };
}

async function start(settings: WorkerSettings): Promise<void> {
  const app = await NestFactory.createApplicationContext(workerOf(settings), {
    logger: ['error', 'warn'],
  });
  process.once('message', () => void app.close().then(waitForSettings));
  process.send!('ready');
}

function waitForSettings(): void {
  process.once('message', (settings: WorkerSettings) => void start(settings));
  process.send!('idle');
}

waitForSettings();
