import type { OutsideNews } from '../watchers.js';
import type { Keys } from './keys.js';
import type { RedisClient } from './redis-client.js';
import type { RedisConnection } from './redis-connection.js';

/** How often the jobs that somebody watches are looked at, in case a message was lost; in ms. */
const INTERVAL = 5_000;

export interface PushParts {
  readonly redis: RedisConnection;
  /** A connection for messages alone. */
  readonly subscriber: RedisClient;
  readonly keys: Keys;
  wake(id: string): void;
  wakeAll(): void;
}

/** What is new of jobs is published by whoever changes them. Messages may be lost, so it is looked for as well. */
export class PushedNews implements OutsideNews {
  readonly interval = INTERVAL;
  readonly #ids = new Map<string, string>();

  constructor(private readonly parts: PushParts) {
    const { subscriber, wake } = parts;
    subscriber.on('message', (channel: string) => {
      const id = this.#ids.get(channel);
      if (id) wake(id);
    });
    subscriber.on('ready', () => void this.#subscribeAgain());
  }

  join(id: string): void {
    const { keys, subscriber, wake } = this.parts;
    const channel = keys.channel(id);
    this.#ids.set(channel, id);
    // Where there is no connection it is done when there is; what changed before that is looked at once more.
    subscriber.subscribe(channel).then(
      () => wake(id),
      () => undefined,
    );
  }

  leave(id: string): void {
    const channel = this.parts.keys.channel(id);
    this.#ids.delete(channel);
    this.parts.subscriber.unsubscribe(channel).catch(() => undefined);
  }

  async look(ids: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const { redis, keys } = this.parts;
    const found = await Promise.all(
      ids.map((id) =>
        redis.command<unknown[]>('HMGET', keys.job(id), 'rev', 'last', 'progress', 'activity'),
      ),
    );
    const there = ids
      .map((id, at) => [id, found[at]!] as const)
      .filter(([, [rev]]) => rev !== null);
    return new Map(there.map(([id, values]) => [id, JSON.stringify(values)]));
  }

  async #subscribeAgain(): Promise<void> {
    const channels = [...this.#ids.keys()];
    if (channels.length === 0) return;
    await this.parts.subscriber.subscribe(...channels).catch(() => undefined);
    this.parts.wakeAll();
  }
}
