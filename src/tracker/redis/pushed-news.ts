import { setImmediate } from 'node:timers';
import type { OutsideNews, Sight } from '../watchers.js';
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
  /** This process. */
  readonly owner: string;
  /** Whether news of the job comes to the inbox of this process. */
  comesByItself(id: string): boolean;
  wake(id: string): void;
  wakeAll(): void;
}

/**
 * What is new of jobs is published by whoever changes them: in the inbox of the process that called the job, and in a
 * channel of the job's own for all others. Messages may be lost, so it is looked for as well.
 */
export class PushedNews implements OutsideNews {
  readonly interval = INTERVAL;
  readonly #inbox: string;
  /** The jobs to whose channels this process has subscribed, by channel. */
  readonly #ids = new Map<string, string>();
  readonly #joining = new Set<string>();
  readonly #leaving = new Set<string>();
  #isSettling = false;

  constructor(private readonly parts: PushParts) {
    const { subscriber, keys, owner, wake } = parts;
    this.#inbox = keys.inbox(owner);
    subscriber.on('message', (channel: string, message: string) => {
      const id = channel === this.#inbox ? message : this.#ids.get(channel);
      if (id) wake(id);
    });
    subscriber.on('ready', () => void this.#subscribeAgain());
  }

  join(id: string): void {
    this.#joining.add(id);
    this.#settleLater();
  }

  leave(id: string): void {
    this.#joining.delete(id);
    const channel = this.parts.keys.channel(id);
    if (!this.#ids.delete(channel)) return;
    this.#leaving.add(channel);
    this.#settleLater();
  }

  async look(ids: readonly string[]): Promise<ReadonlyMap<string, Sight>> {
    const { redis, keys } = this.parts;
    const found = await Promise.all(
      ids.map((id) =>
        redis.command<unknown[]>('HMGET', keys.job(id), 'rev', 'last', 'progress', 'activity'),
      ),
    );
    const there = ids
      .map((id, at) => [id, found[at]!] as const)
      .filter(([, [rev]]) => rev !== null);
    return new Map(there.map(([id, values]) => [id, { text: JSON.stringify(values) }]));
  }

  /** In the next turn: by then it is known which jobs were called here, and the channels of a turn go together. */
  #settleLater(): void {
    if (this.#isSettling) return;
    this.#isSettling = true;
    setImmediate(() => this.#settle());
  }

  #settle(): void {
    const { subscriber, comesByItself } = this.parts;
    const [joining, leaving] = [[...this.#joining], [...this.#leaving]];
    this.#joining.clear();
    this.#leaving.clear();
    this.#isSettling = false;
    if (leaving.length > 0) subscriber.unsubscribe(...leaving).catch(() => undefined);
    const others = joining.filter((id) => !comesByItself(id));
    if (others.length > 0) this.#subscribe(others);
  }

  #subscribe(ids: readonly string[]): void {
    const { keys, subscriber, wake } = this.parts;
    for (const id of ids) this.#ids.set(keys.channel(id), id);
    // Where there is no connection it is done when there is; what changed before that is looked at once more.
    subscriber.subscribe(...ids.map((id) => keys.channel(id))).then(
      () => ids.forEach(wake),
      () => undefined,
    );
  }

  async #subscribeAgain(): Promise<void> {
    await this.parts.subscriber.subscribe(this.#inbox, ...this.#ids.keys()).catch(() => undefined);
    this.parts.wakeAll();
  }
}
