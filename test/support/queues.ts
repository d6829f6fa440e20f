import { Redis } from 'ioredis';
import pg from 'pg';
import type { BullMqEngineOptions } from '../../src/engine/bullmq/entry.js';

/** Leaves nothing of a queue in a server that others use too. */
export async function dropQueue(options: BullMqEngineOptions, queue: string): Promise<void> {
  if (options.redis) return dropKeys(options.redis as string, `bull:${queue}:*`);
  const { connectionString, schema } = options.postgres as Record<string, string>;
  const client = new pg.Client({ connectionString });
  await client.connect();
  await client.query(`DROP SCHEMA IF EXISTS "${schema!}" CASCADE`).finally(() => client.end());
}

async function dropKeys(url: string, pattern: string): Promise<void> {
  const redis = new Redis(url);
  const keys = await redis.keys(pattern);
  if (keys.length > 0) await redis.del(keys);
  redis.disconnect();
}
