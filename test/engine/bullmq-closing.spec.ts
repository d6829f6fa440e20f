import { afterEach, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { Background, jobOf } from '../../src/index.js';
import { bullMqEngine } from '../../src/engine/bullmq/entry.js';
import { redisTracker } from '../../src/tracker/redis/entry.js';
import { CutProxy } from '../support/cut-proxy.js';
import { Latch } from '../support/latch.js';
import { dropQueue } from '../support/queues.js';
import { newPrefix, removeKeys } from '../support/redis.js';
import { describeWithRedis } from '../support/services.js';
import { closeApps, startApp } from '../support/test-app.js';
import { until } from '../support/until.js';

@Injectable()
class Long {
  readonly began = new Latch();

  @Background()
  async run(): Promise<void> {
    this.began.open();
    await new Promise(() => {});
  }
}

describeWithRedis('An application whose queue is away', (redis) => {
  const prefix = newPrefix();

  afterEach(async () => {
    await closeApps();
    await dropQueue({ redis }, prefix);
    await removeKeys(redis, prefix);
  });

  it.each([true, false])('closes all the same, where it works: %p', async (work) => {
    await using proxy = await CutProxy.to(redis);
    const app = await startApp({
      providers: [Long],
      background: {
        engine: bullMqEngine({ redis: proxy.url, queue: prefix, work }),
        tracker: redisTracker({ url: redis, prefix }),
        shutdown: { grace: 100 },
      },
    });
    const job = jobOf(app.get(Long).run());
    const end = job.catch((error: Error) => error.name);
    await (work ? app.get(Long).began.opened : job.accepted);
    proxy.goDown();
    await until(() => proxy.refused > 2);
    await app[Symbol.asyncDispose]();
    expect(await end).toBe('JobInterruptedError');
  });
});
