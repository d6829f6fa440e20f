import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, describe, it } from '@jest/globals';
import { engineConformance } from '../../src/testing/index.js';
import { bullMqEngine, type BullMqEngineOptions } from '../../src/engine/bullmq/entry.js';
import { describeWithPostgres, describeWithRedis } from '../support/services.js';
import { dropQueue } from '../support/queues.js';

function conformance(place: BullMqEngineOptions): void {
  const { postgres, redis } = place;
  const schema = `queue_${randomUUID().replaceAll('-', '')}`;
  let queue = '';
  const options = postgres
    ? { postgres: { connectionString: postgres as string, schema } }
    : { redis };
  // The schema in PostgreSQL is made once for all, since that takes longest; each example has a queue of its own in it.
  const dropping = postgres ? afterAll : afterEach;
  dropping(() => dropQueue(options, queue));
  engineConformance(
    { describe, it },
    {
      reset: () => void (queue = `test-${randomUUID()}`),
      isDistributed: true,
      make: () => bullMqEngine({ ...options, queue, lock: '2s' }),
    },
  );
}

describeWithRedis('bullMqEngine() on Redis', (redis) => conformance({ redis }));

describeWithPostgres('bullMqEngine() on PostgreSQL', (postgres) => conformance({ postgres }));
