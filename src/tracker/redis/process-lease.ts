import { createRequire } from 'node:module';
import { clearInterval, setInterval } from 'node:timers';
import { LeaseRenewal, type RenewalSettings } from '../lease-renewal.js';
import type { JobIndex } from './job-index.js';
import { NOBODY, type JobStore } from './job-store.js';
import type { Keys } from './keys.js';
import { threadOptions } from './redis-client.js';
import type { RedisConnection } from './redis-connection.js';
import { DEAD } from './scripts.js';

/** How many jobs are kept on at once. */
const PORTION = 200;

type ThreadData = RenewalSettings['threadData'];

export interface LeaseParts {
  readonly redis: RedisConnection;
  readonly keys: Keys;
  readonly jobs: JobStore;
  readonly index: JobIndex;
  readonly owner: string;
  /** In ms. */
  readonly ttl: number;
  readonly expiry: number;
  warn(what: string): void;
}

/**
 * That this process lives: a key that ends by Redis's own clock unless a thread renews it, and the time of each of its
 * jobs, which goes on as long.
 */
export class ProcessLease {
  readonly #renewal: LeaseRenewal;
  #timer: NodeJS.Timeout | undefined;
  #renewing: Promise<void> = Promise.resolve();

  constructor(private readonly parts: LeaseParts) {
    const { redis, keys, owner, ttl, warn } = parts;
    const values = [keys.lease(owner), '1', 'PX', Math.round(ttl)];
    this.#renewal = new LeaseRenewal({
      ...{ ttl, warn },
      renewHere: async () => void (await redis.command('SET', ...(values as [string]))),
      threadData: () => this.#threadData(values),
    });
  }

  /** Before this process takes any job. */
  async claim(): Promise<void> {
    const { redis, keys, owner, expiry } = this.parts;
    await redis.command('SADD', keys.index('owners'), owner);
    await this.#renewal.start();
    this.#timer = setInterval(() => this.keepOn(), expiry / 3);
    this.#timer.unref();
  }

  /** Renews the time of all jobs of this process. */
  keepOn(): void {
    // Where Redis is away, it is done when it is back.
    this.#renewing = this.#renewing.then(() => this.#renewAll()).catch(() => undefined);
  }

  /** The owners that are no more, for as long as they have left jobs. */
  async dead(): Promise<string[]> {
    const { redis, keys } = this.parts;
    return [NOBODY, ...(await redis.run<string[]>(DEAD, [keys.index('owners')], [keys.lease('')]))];
  }

  async bury(owner: string): Promise<void> {
    if (owner === NOBODY) return;
    await this.parts.redis.command('SREM', this.parts.keys.index('owners'), owner);
  }

  /** This process is about to end: what it has not finished is free at once. */
  async giveUp(): Promise<void> {
    const { redis, keys, owner } = this.parts;
    clearInterval(this.#timer);
    this.keepOn();
    await this.#renewing;
    await this.#renewal.stop();
    await redis.command('DEL', keys.lease(owner));
  }

  /** @throws where the options of the client cannot go to a thread. */
  // eslint-disable-next-line @typescript-eslint/require-await
  async #threadData(values: readonly (string | number)[]): ReturnType<ThreadData> {
    return {
      ...{ kind: 'ioredis', statement: 'SET', values },
      driverPath: createRequire(import.meta.url).resolve('ioredis'),
      connection: threadOptions(this.parts.redis.client),
    };
  }

  async #renewAll(): Promise<void> {
    const { jobs, index } = this.parts;
    const own = jobs.own();
    for (let at = 0; at < own.length; at += PORTION) {
      await Promise.all(own.slice(at, at + PORTION).map((record) => jobs.renew(record)));
    }
    await index.touch(own);
  }
}
