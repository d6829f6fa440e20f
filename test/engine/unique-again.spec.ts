import { afterEach, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { background, Background, currentJob, jobOf } from '../../src/index.js';
import { bullMqEngine } from '../../src/engine/bullmq/entry.js';
import { bullPriority } from '../../src/engine/bullmq/message.js';
import { redisTracker } from '../../src/tracker/redis/entry.js';
import { Latch } from '../support/latch.js';
import { dropQueue } from '../support/queues.js';
import { newPrefix, removeKeys } from '../support/redis.js';
import { describeWithRedis } from '../support/services.js';
import { closeApps, startApp } from '../support/test-app.js';

@Injectable()
class Stock {
  readonly latch = new Latch();

  @Background({ unique: { key: (what: string) => what } })
  async count(what: string, fails: boolean): Promise<number> {
    const { attempt } = currentJob()!;
    if (fails && attempt === 1) throw new Error(what);
    await this.latch.opened;
    return attempt;
  }
}

describeWithRedis('bullMqEngine()', (redis) => {
  const prefix = newPrefix();
  const queue = prefix;

  afterEach(async () => {
    await closeApps();
    await dropQueue({ redis }, queue);
    await removeKeys(redis, prefix);
  });

  it('runs a job again on request, though another has its unique key meanwhile', async () => {
    const tracker = redisTracker({ url: redis, prefix });
    const engine = bullMqEngine({ redis, queue });
    const app = await startApp({ providers: [Stock], background: { tracker, engine } });
    const stock = app.get(Stock);
    const failed = jobOf(stock.count('screws', true));
    await expect(failed).rejects.toThrow('screws');
    const other = jobOf(stock.count('screws', false));
    await other.accepted;
    expect(other.id).not.toBe(failed.id);
    expect(await app.service.retry(failed.id)).toBe(true);
    stock.latch.open();
    expect(await Promise.all([app.service.wait(failed.id), other])).toEqual([2, 1]);
    const priority = -2_000_000;
    expect(await background(stock, { priority }).count('nails', false)).toBe(1);
  });
});

it.each([-(2 ** 40), -(2 ** 21), 0, 2 ** 21, 2 ** 40])(
  'A priority of %d is one that BullMQ takes',
  (priority) => {
    expect(bullPriority(priority)).toBeGreaterThan(0);
    expect(bullPriority(priority)).toBeLessThan(2 ** 21);
  },
);
