import { Redis, type Cluster, type ClusterOptions, type RedisOptions } from 'ioredis';
import type { RedisClientLike } from './client-like.js';
import type { RedisSettings } from './redis-options.js';

/** What the tracker uses of one. */
export type RedisClient = Pick<
  Redis,
  'status' | 'connect' | 'disconnect' | 'call' | 'subscribe' | 'unsubscribe' | 'on'
>;

/** How long a connection may take, and a command; in ms. */
export const PATIENCE = 3_000;

/** Commands fail at once while there is no connection: nobody waits in a line that he cannot see. */
const OWN: RedisOptions = {
  ...{ lazyConnect: true, enableOfflineQueue: false, maxRetriesPerRequest: 0, keyPrefix: '' },
  ...{ autoResendUnfulfilledCommands: false, autoResubscribe: false, connectTimeout: PATIENCE },
  retryStrategy: (attempt) => Math.min(50 * attempt, 1_000),
};

const OWN_CLUSTER: ClusterOptions = {
  // Its check is a command too, and would be refused as long as it has not passed.
  enableReadyCheck: false,
  ...{ lazyConnect: true, enableOfflineQueue: false, keyPrefix: '', shardedSubscribers: false },
  clusterRetryStrategy: (attempt) => Math.min(50 * attempt, 1_000),
};

/** A client of the tracker's own, which is not connected yet. */
export function newClient({ url, client }: RedisSettings): RedisClient {
  if (!client) return new Redis(url!, OWN);
  if (!isCluster(client)) return (client as Redis).duplicate(OWN);
  const { redisOptions } = (client as Cluster).options;
  // A cluster connects to each of its nodes when the first command comes for it.
  const nodes = { ...redisOptions, ...OWN, enableOfflineQueue: true };
  const own = { ...OWN_CLUSTER, redisOptions: nodes };
  return (client as Cluster).duplicate([], own) as unknown as RedisClient;
}

/** What a thread needs to make such a client. @throws where the options cannot go to a thread. */
export function threadOptions(client: RedisClient): Record<string, unknown> {
  const { options } = client as unknown as RedisClientLike;
  const plain = withoutFunctions(options) as Record<string, unknown>;
  if (!isCluster(client)) return { ...plain, connectTimeout: PATIENCE };
  const { startupNodes } = client as unknown as { startupNodes: unknown };
  return { ...plain, nodes: structuredClone(startupNodes) };
}

export function isCluster(client: object): boolean {
  return (client as { isCluster?: boolean }).isCluster === true;
}

/** The prefix of keys that the application's client has: the tracker's come under it. */
export function keyPrefixOf(client: RedisClientLike | undefined): string {
  return (client?.options as RedisOptions | undefined)?.keyPrefix ?? '';
}

/** Functions cannot go to a thread, and ioredis has one of its own for each that is left out. */
function withoutFunctions(value: unknown): unknown {
  if (typeof value === 'function') return undefined;
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value) || Object.getPrototypeOf(value) !== Object.prototype) {
    return structuredClone(value);
  }
  const entries = Object.entries(value).filter(([, inner]) => typeof inner !== 'function');
  return Object.fromEntries(entries.map(([name, inner]) => [name, withoutFunctions(inner)]));
}
