import { afterEach, beforeAll, afterAll, describe, it } from '@jest/globals';
import { Redis, Cluster } from 'ioredis';
import type { JobTracker, TrackerSettings } from '../../src/index.js';
import { trackerConformance } from '../../src/testing/index.js';
import { redisTracker, type RedisTrackerOptions } from '../../src/tracker/redis/entry.js';
import { newPrefix, ownRedis, removeKeys, type RedisServer } from '../support/redis.js';
import { describeWithRedis, describeWithRedisServer } from '../support/services.js';

describeWithRedis('redisTracker()', (url) => {
  let prefix = '';

  afterEach(() => removeKeys(url, prefix));

  suite(
    () => (prefix = newPrefix()),
    () => ({ url, prefix }),
  );
});

describeWithRedisServer('redisTracker() on a cluster', () => {
  let server: RedisServer;
  let client: Cluster;
  let prefix = '';

  beforeAll(async () => {
    server = await ownRedis('--cluster-enabled', 'yes', '--cluster-announce-ip', '127.0.0.1');
    const admin = new Redis(server.url);
    await admin.call('CLUSTER', 'ADDSLOTSRANGE', '0', '16383');
    while (!(await admin.call('CLUSTER', 'INFO').then(String)).includes('cluster_state:ok')) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    admin.disconnect();
    client = new Cluster([{ host: '127.0.0.1', port: server.port }], { lazyConnect: true });
  });

  afterAll(async () => {
    client.disconnect();
    await server[Symbol.asyncDispose]();
  });

  suite(
    () => (prefix = newPrefix()),
    () => ({ client, prefix }),
  );
});

/** @param renew Gives the storage another name, so that it is empty. */
function suite(renew: () => void, options: () => RedisTrackerOptions): void {
  const open = async (settings: TrackerSettings): Promise<JobTracker> => {
    const tracker = redisTracker(options());
    await tracker.open(settings);
    return tracker;
  };
  const openEmpty = (settings: TrackerSettings): Promise<JobTracker> => {
    renew();
    return open(settings);
  };
  trackerConformance({ describe, it }, { open: openEmpty, openAnother: open });
}
