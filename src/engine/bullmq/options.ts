import type { Redis, RedisOptions } from 'ioredis';
import {
  aDuration,
  aFlag,
  anything,
  checkOptions,
  show,
  type OptionRule,
} from '../../errors/check-options.js';
import { BackgroundOptionsError } from '../../errors/setup.errors.js';
import { parseDuration, type Duration } from '../../job/duration.js';

/** Connections of `pg`, as its `Pool` takes them, and the schema that BullMQ has its tables in. */
export interface BullMqPostgresOptions {
  readonly connectionString?: string;
  /** The schema of the queue's tables; default `'bullmq'`. */
  readonly schema?: string;
  /** Whether the tables are made and kept up to date at the start; default true. */
  readonly migrate?: boolean;
  readonly host?: string;
  readonly port?: number;
  readonly database?: string;
  readonly user?: string;
  readonly password?: string | (() => string | Promise<string>);
  readonly [option: string]: unknown;
}

/** What `bullMqEngine` takes: exactly one of `redis` and `postgres`. */
export interface BullMqEngineOptions {
  /** A URL, options of ioredis, or a client of it, of which connections of our own are made. */
  redis?: string | RedisOptions | Redis;
  /** A URL, or options of `pg`. */
  postgres?: string | BullMqPostgresOptions;
  /** The name of the queue; default `'background'`. Processes that share jobs name the same. */
  queue?: string;
  /** Whether this process runs jobs, its own and those of others; default true. */
  work?: boolean;
  /**
   * After how long without a sign of life a job of this process counts as stalled, and is delivered again; default
   * `'30s'`. The sign is given a few times within it, by the event loop.
   */
  lock?: Duration;
}

/** The options with every default filled in. */
export interface BullMqSettings {
  readonly queue: string;
  readonly work: boolean;
  /** In ms. */
  readonly lock: number;
}

const aQueueName: OptionRule = {
  expected: 'a name without ":"',
  accepts: (value) => typeof value === 'string' && value !== '' && !value.includes(':'),
};

const RULES = {
  ...{ redis: anything, postgres: anything },
  ...{ queue: aQueueName, work: aFlag, lock: aDuration },
};

/** @throws BackgroundOptionsError for options that cannot be meant. */
export function readBullMqOptions(options: BullMqEngineOptions): BullMqSettings {
  checkOptions('bullMqEngine()', options, RULES);
  const given = [options.redis, options.postgres].filter((place) => place !== undefined);
  if (given.length !== 1) throw wrongPlaces(given.length);
  if (!isPlace(given[0])) throw noPlace(given[0]);
  const { queue = 'background', work = true } = options;
  return { queue, work, lock: Math.max(1_000, parseDuration(options.lock ?? '30s')!) };
}

function isPlace(value: unknown): boolean {
  return typeof value === 'string' ? URL.canParse(value) : typeof value === 'object' && !!value;
}

function wrongPlaces(count: number): BackgroundOptionsError {
  return new BackgroundOptionsError(
    'bullMqEngine()',
    undefined,
    `bullMqEngine() was given ${count} of redis and postgres. Give it exactly one: ` +
      `bullMqEngine({ redis: 'redis://localhost:6379' }).`,
  );
}

function noPlace(value: unknown): BackgroundOptionsError {
  return new BackgroundOptionsError(
    'bullMqEngine()',
    value,
    `bullMqEngine() was given ${show(value)} as the place of its queue. Give it a URL or options.`,
  );
}
