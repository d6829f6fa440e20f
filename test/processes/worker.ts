import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { TypeOrmModule } from '@nestjs/typeorm';
import { BackgroundModule, typeOrmTracker } from '../../src/index.js';
import { bullMqEngine, type BullMqEngineOptions } from '../../src/engine/bullmq/entry.js';
import { redisTracker, type RedisTrackerOptions } from '../../src/tracker/redis/entry.js';
import { Far } from './far.js';

/** A process that runs the jobs of others, until it is killed or told to stop. It is told what to do by environment. */
const {
  url,
  engine,
  tracker,
  concurrency,
  recovery = '300ms',
} = JSON.parse(process.env['WORKER']!) as {
  url: string;
  engine: BullMqEngineOptions;
  tracker?: RedisTrackerOptions;
  concurrency?: number;
  recovery?: string;
};

const pace = { lease: '1.5s', recovery };

@Module({
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
})
class Worker {}

const app = await NestFactory.createApplicationContext(Worker, { logger: ['error', 'warn'] });
process.once('message', () => void app.close().then(() => process.exit(0)));
process.send?.('ready');
