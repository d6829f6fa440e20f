import { randomUUID } from 'node:crypto';
import { afterEach, expect, it } from '@jest/globals';
import { localEngine } from '../../src/index.js';
import { bullMqEngine, type BullMqEngineOptions } from '../../src/engine/bullmq/entry.js';
import type { JobEngine } from '../../src/engine/job-engine.js';
import { TestHost, ticket } from '../../src/testing/engine-cases/case.js';
import { startJobs } from '../support/any-job.js';
import { dropQueue } from '../support/queues.js';
import { describeWithPostgres, describeWithRedis } from '../support/services.js';
import { closeApps } from '../support/test-app.js';
import { until } from '../support/until.js';

afterEach(closeApps);

/** As tests have it that name their options once: one application is closed, and the next one is given the same. */
async function serveTwice(engine: JobEngine): Promise<void> {
  for (let time = 0; time < 2; time++) {
    const host = new TestHost();
    await engine.open(host);
    engine.begin?.();
    const one = ticket();
    await engine.enqueue(one);
    await until(() => host.delivered.length === 1);
    expect(host.ids).toEqual([one.id]);
    await engine.pause();
    await engine.close();
  }
}

function bullMq(place: BullMqEngineOptions): void {
  const schema = `queue_${randomUUID().replaceAll('-', '')}`;
  const options = place.postgres
    ? { postgres: { connectionString: place.postgres as string, schema } }
    : place;
  const queue = `test-${randomUUID()}`;
  afterEach(() => dropQueue(options, queue));
  it('serves one application after the other', () =>
    serveTwice(bullMqEngine({ ...options, queue })));
}

it('localEngine() serves one application after the other', async () => {
  const engine = localEngine();
  await serveTwice(engine);
  const first = await startJobs({ engine });
  expect(await first.run(() => 1)).toBe(1);
  await first[Symbol.asyncDispose]();
  const second = await startJobs({ engine });
  expect(await second.run(() => 2)).toBe(2);
});

describeWithRedis('bullMqEngine() on Redis', (redis) => bullMq({ redis }));

describeWithPostgres('bullMqEngine() on PostgreSQL', (postgres) => bullMq({ postgres }));
