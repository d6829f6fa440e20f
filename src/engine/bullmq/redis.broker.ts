import { createRedisBackend, Queue, Worker, type BackendFactory } from 'bullmq';
import type { Redis, RedisOptions } from 'ioredis';
import { EngineUnavailableError } from '../../errors/engine.errors.js';
import { queueOptions, workerOptions, type Broker } from './broker.js';
import type { KeyLimits } from './key-limits.js';
import type { BullMqEngineOptions, BullMqSettings } from './options.js';
import { RedisLimits } from './redis-limits.js';
import { inLots } from './redis-lots.js';

type Place = NonNullable<BullMqEngineOptions['redis']>;

const PATIENCE = 3_000;
/** A command fails where Redis is away; nobody waits for it to come back. */
const HASTY = {
  ...{ enableOfflineQueue: false, maxRetriesPerRequest: 0 },
  ...{ connectTimeout: PATIENCE, commandTimeout: 5_000 },
};
/** A command waits until Redis is back. */
const PATIENT = { enableOfflineQueue: true, maxRetriesPerRequest: null, connectTimeout: PATIENCE };
const retryStrategy = (times: number): number => Math.min(100 * times, 1_000);

/** BullMQ on Redis, over two connections of our own and one that BullMQ adds. */
export class RedisBroker implements Broker {
  readonly address: string;
  /** What a connection said last: a command that fails with it only says that it is closed. */
  readonly #said = new WeakMap<Redis, Error>();
  #hasty!: Redis;
  #patient: Redis | undefined;

  constructor(
    private readonly place: Place,
    private readonly settings: BullMqSettings,
  ) {
    this.address = addressOf(place);
  }

  async open(recovered: () => void): Promise<void> {
    await this.#probe();
    this.#hasty = await this.#connect({ ...HASTY, retryStrategy });
    await ready(this.#hasty);
    this.#hasty.on('ready', recovered);
  }

  queue(): Queue {
    const { queue } = this.settings;
    const options = { connection: this.#hasty, ...queueOptions(this.settings) };
    const backend: BackendFactory = (...place) => inLots(createRedisBackend(...place), this.#hasty);
    return new Queue(queue, options, backend as never);
  }

  worker(): Worker {
    const connection = this.#hasty.duplicate({
      ...PATIENT,
      retryStrategy,
      commandTimeout: undefined,
    });
    connection.on('error', ignore);
    this.#patient = connection;
    return new Worker(this.settings.queue, null, { connection, ...workerOptions(this.settings) });
  }

  /** A worker that is not being closed would connect again, and wait once more. */
  async interrupt(worker: Worker): Promise<void> {
    void worker.close(true).catch(ignore);
    // One that is away tells nobody of its end.
    const isThere = this.#patient?.status === 'ready';
    await worker.getBackend().disconnectBlocking(isThere);
    if (!isThere) this.#patient?.disconnect();
  }

  limits(): KeyLimits {
    return new RedisLimits(this.#hasty, `bull:${this.settings.queue}:limit`, this.settings.lock);
  }

  /** The marker that BullMQ's own scripts leave with each job that is added. */
  async wake({ keys }: Queue): Promise<void> {
    await this.#hasty.zadd(keys['marker']!, 0, '0');
  }

  async close(): Promise<void> {
    for (const redis of [this.#hasty, this.#patient]) if (redis) await leave(redis);
  }

  /** @throws EngineUnavailableError with what Redis or the network says, a wrong password too. */
  async #probe(): Promise<void> {
    const probe = await this.#connect({ ...HASTY, lazyConnect: true, retryStrategy: () => null });
    try {
      await probe.connect();
      await probe.ping();
    } catch (error) {
      throw new EngineUnavailableError(this.address, this.#said.get(probe) ?? error, REMEDY);
    } finally {
      probe.disconnect();
    }
  }

  async #connect(options: RedisOptions): Promise<Redis> {
    const redis = await newRedis(this.place, options);
    redis.on('error', (error: Error) => this.#said.set(redis, error));
    return redis;
  }
}

const REMEDY =
  'See to it that Redis runs and can be reached from here, and that its user and password are right.';
/** Loaded here, so that whoever has the queue in PostgreSQL needs no ioredis. */
async function newRedis(place: Place, options: RedisOptions): Promise<Redis> {
  const { Redis } = await import('ioredis');
  if (typeof place === 'string') return new Redis(place, options);
  if (isClient(place)) return place.duplicate(options);
  return new Redis({ ...place, ...options });
}

function isClient(place: RedisOptions | Redis): place is Redis {
  return 'duplicate' in place && typeof place.duplicate === 'function';
}

function addressOf(place: Place): string {
  if (typeof place === 'string') return addressOfUrl(new URL(place));
  const { host = 'localhost', port = 6379, path } = isClient(place) ? place.options : place;
  return path ?? `redis://${host}:${port}`;
}

function addressOfUrl({ protocol, host, pathname }: URL): string {
  return `${protocol}//${host}${pathname}`;
}

function ready(redis: Redis): Promise<void> {
  if (redis.status === 'ready') return Promise.resolve();
  return new Promise((resolve) => redis.once('ready', () => resolve()));
}

/** Without waiting for what cannot be answered any more; between two tries to connect there is nothing to wait for. */
function leave(redis: Redis): Promise<void> {
  if (redis.status === 'end') return Promise.resolve();
  const isAway = redis.status === 'reconnecting';
  return new Promise((resolve) => {
    redis.once('end', () => resolve());
    redis.disconnect();
    if (isAway) resolve();
  });
}

function ignore(): void {}
