import type { TrackerSettings } from '../job-tracker.js';
import { OrphanFinder } from '../orphan-finder.js';
import { RetentionKeeper } from '../retention-keeper.js';
import { connect, examine, uptimeOf } from './connect.js';
import { EndedJobs } from './ended-jobs.js';
import { JobIndex } from './job-index.js';
import { JobSteps } from './job-steps.js';
import { JobStore } from './job-store.js';
import { Keys } from './keys.js';
import { OrphanJobs } from './orphan-jobs.js';
import { OutputStore } from './output-store.js';
import { ProcessLease } from './process-lease.js';
import { keyPrefixOf, newClient, type RedisClient } from './redis-client.js';
import { RedisConnection } from './redis-connection.js';
import type { RedisSettings } from './redis-options.js';

const DAY = 24 * 60 * 60 * 1_000;

export interface StoreSettings {
  readonly options: RedisSettings;
  readonly settings: TrackerSettings;
  readonly owner: string;
  warn(what: string, error?: unknown): void;
}

/** Jobs in a Redis that is connected, and what keeps them in order. */
export class RedisStore {
  readonly keys: Keys;
  readonly jobs: JobStore;
  readonly output: OutputStore;
  /** Not in a thread: what is kept, and for how long, is the other application's to say. */
  readonly retention: RetentionKeeper | undefined;
  readonly #lease: ProcessLease;
  readonly index: JobIndex;
  #orphans: OrphanFinder | undefined;
  /** When others have had the time to renew their leases. */
  #telling = 0;

  private constructor(
    readonly redis: RedisConnection,
    readonly subscriber: RedisClient,
    private readonly parts: StoreSettings,
  ) {
    const { options, settings, owner, warn } = parts;
    const { expiry, lease: ttl } = options;
    const { clock, retention } = settings;
    const keys = (this.keys = new Keys(keyPrefixOf(options.client) + options.prefix));
    const kept = DAY + Math.max(expiry, retention.completed, retention.failed);
    const index = (this.index = new JobIndex(redis, keys, Math.round(kept)));
    const steps = new JobSteps(redis, keys, index, owner);
    const jobs = new JobStore({ redis, keys, index, steps, clock, retention, expiry, owner });
    this.jobs = jobs;
    this.output = new OutputStore(redis, keys, owner);
    this.#lease = new ProcessLease({ redis, keys, jobs, index, owner, ttl, expiry, warn });
    if (settings.inThread) return;
    const ended = new EndedJobs(redis, keys, jobs, index);
    this.retention = new RetentionKeeper(ended, clock, retention, (error) =>
      warn('could not remove finished jobs', error),
    );
  }

  /** @throws BackgroundError where Redis is not there, or is too old. */
  static async open(parts: StoreSettings): Promise<RedisStore> {
    const { options, warn } = parts;
    const clients = [newClient(options), newClient(options)] as const;
    try {
      await Promise.all(clients.map((client) => connect(client, options)));
      const warning = await examine(clients[0]);
      if (warning) warn(warning);
      const redis = new RedisConnection(clients[0], options.expiry);
      const store = new RedisStore(redis, clients[1], parts);
      await store.subscriber.subscribe(store.keys.inbox(parts.owner));
      await store.#begin();
      return store;
    } catch (error) {
      clients.forEach((client) => client.disconnect());
      throw error;
    }
  }

  /** Redis was away: the leases of others may be over that live. */
  returned(): void {
    this.#telling = performance.now() + 2 * this.parts.options.lease;
    this.#lease.keepOn();
  }

  /** Hands back what is unfinished, so that it runs again elsewhere or at the next start. */
  async close(): Promise<void> {
    await this.#orphans?.close();
    await this.retention?.close();
    await this.#lease.giveUp().catch(() => undefined);
    this.redis.client.disconnect();
    this.subscriber.disconnect();
  }

  async #begin(): Promise<void> {
    const { options, settings, warn } = this.parts;
    const { recovery } = settings;
    await this.#lease.claim();
    if (!recovery) return;
    const uptime = await uptimeOf(this.redis.client);
    this.#telling = performance.now() + Math.max(0, 2 * options.lease - uptime);
    const orphans = new OrphanJobs({
      ...{ jobs: this.jobs, index: this.index, lease: this.#lease, recovery },
      canTell: () => performance.now() >= this.#telling,
    });
    this.#orphans = new OrphanFinder({
      ...{ orphans, recovery, interval: options.recovery },
      failed: (error) => warn('could not take over unfinished jobs', error),
    });
  }
}
