import { randomBytes } from 'node:crypto';
import { Redis } from 'ioredis';

export const REDIS = process.env.REDIS_URL ?? 'redis://127.0.0.1:6379';

/** An empty place in Redis, where every key has the prefix in its name, and the way to remove it. */
export async function newPrefix() {
  const redis = new Redis(REDIS, { lazyConnect: true, retryStrategy: () => null });
  redis.on('error', () => {});
  await redis.connect();
  const prefix = `bench-${randomBytes(6).toString('hex')}`;
  const remove = async () => {
    const stream = redis.scanStream({ match: `*${prefix}*`, count: 1000 });
    for await (const keys of stream) if (keys.length > 0) await redis.unlink(...keys);
    redis.disconnect();
  };
  return { where: { prefix }, remove };
}
