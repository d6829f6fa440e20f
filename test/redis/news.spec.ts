import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import type { JobTracker } from '../../src/index.js';
import { systemClock } from '../../src/job/clock.js';
import { newRecord } from '../../src/testing/tracker-cases/case.js';
import { redisTracker } from '../../src/tracker/redis/entry.js';
import { newPrefix, removeKeys } from '../support/redis.js';
import { describeWithRedis } from '../support/services.js';
import { until } from '../support/until.js';

const RETENTION = { completed: 60_000, failed: 60_000, count: 1_000 };

describeWithRedis('Two processes with redisTracker()', (url) => {
  let prefix: string;
  let trackers: JobTracker[];
  let admin: Redis;

  beforeEach(async () => {
    prefix = newPrefix();
    admin = new Redis(url);
    trackers = [redisTracker({ url, prefix }), redisTracker({ url, prefix })];
    for (const tracker of trackers) {
      await tracker.open({ clock: systemClock, retention: RETENTION });
    }
  });

  afterEach(async () => {
    for (const tracker of trackers) await tracker.close();
    admin.disconnect();
    await removeKeys(url, prefix);
  });

  const channels = async (): Promise<string[]> =>
    (await admin.call('PUBSUB', 'CHANNELS', `*${prefix}*:news`)) as string[];

  it('tell the one that called a job what the other does to it, without a subscription for each job', async () => {
    const [here, there] = trackers as [JobTracker, JobTracker];
    const record = newRecord();
    let woken = 0;
    // As a call does it: it watches before it is stored.
    const leave = here.watch(record.id, () => (woken += 1));
    await here.create(record);
    await here.counts();
    expect(await channels()).toEqual([]);
    await there.change(record.id, { type: 'start', at: 1 });
    await until(() => woken === 1);
    const chunks = [{ seq: 1, text: 'a', stream: 'stdout' }] as const;
    void there.append(record.id, { chunks: [...chunks], gap: undefined }, 1);
    await until(() => woken === 2);
    leave();
  });

  it('subscribe to what the other one called, and leave when nobody watches any more', async () => {
    const [here, there] = trackers as [JobTracker, JobTracker];
    const records = [newRecord(), newRecord()];
    for (const record of records) await there.create(record);
    const woken = new Set<string>();
    const leaving = records.map(({ id }) => here.watch(id, () => woken.add(id)));
    await until(async () => (await channels()).length === 2);
    woken.clear();
    await there.change(records[0]!.id, { type: 'start', at: 1 });
    await until(() => woken.size > 0);
    leaving.forEach((leave) => leave());
    await until(async () => (await channels()).length === 0);
  });

  it('keep what is wrong with one job from the others of the same turn', async () => {
    const [here] = trackers as [JobTracker, JobTracker];
    const [good, bad, another] = [newRecord(), newRecord(), newRecord()];
    await Promise.all([good, bad, another].map(async (record) => here.create(record)));
    const key = `${prefix}:{${bad.id}}`;
    await admin.multi().del(key).set(key, 'no hash').exec();
    const started = await Promise.allSettled(
      [good, bad, another].map(async ({ id }) => here.change(id, { type: 'start', at: 1 })),
    );
    expect(started.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect((await here.find(good.id))?.attempt).toBe(1);
    expect(await here.counts()).toMatchObject({ running: 2 });
  });

  it('bring the indexes back where they were lost', async () => {
    const [here, there] = trackers as [JobTracker, JobTracker];
    const record = newRecord();
    await here.create(record);
    const indexes = await admin.keys(`{${prefix}}:*`);
    await admin.del(...indexes.filter((key) => !key.includes(':lease:')));
    await here.change(record.id, { type: 'start', at: 1 });
    expect((await there.list({ name: record.name })).map(({ id }) => id)).toEqual([record.id]);
    expect(await there.counts()).toMatchObject({ queued: 0, running: 1 });
  });

  it('change a job in the same turn: one of them does, and the indexes follow that one', async () => {
    const [here, there] = trackers as [JobTracker, JobTracker];
    const [record, other] = [newRecord(), newRecord()];
    await Promise.all([here.create(record), here.create(other)]);
    const error = { name: 'Error', message: 'no more' };
    const changed = await Promise.all([
      here.change(record.id, { type: 'start', at: 1 }),
      there.change(record.id, { type: 'cancel', at: 1, error }),
      // In the same turn of the same process, too.
      here.change(other.id, { type: 'start', at: 1 }),
      here.change(other.id, { type: 'start', at: 2 }),
    ]);
    expect(changed.filter((one) => one !== undefined).map(({ state }) => state)).toContain(
      'cancelled',
    );
    expect(changed.slice(2).filter((one) => one !== undefined)).toHaveLength(1);
    expect((await there.find(record.id))?.state).toBe('cancelled');
    expect(await here.counts()).toMatchObject({ queued: 0, running: 1, cancelled: 1 });
    expect(await there.list({ state: 'cancelled' })).toMatchObject([{ id: record.id }]);
  });

  it('leave nothing of a job that is forgotten, nor of one whose time was over', async () => {
    const [here, there] = trackers as [JobTracker, JobTracker];
    const parent = newRecord();
    const [ended, expired] = [
      newRecord({ parentId: parent.id }),
      newRecord({ parentId: parent.id }),
    ];
    await Promise.all([ended, expired].map(async (record) => here.create(record)));
    await there.change(ended.id, { type: 'start', at: 1 });
    await there.change(ended.id, { type: 'complete', at: 2, result: 'done' }, 1);
    await there.change(expired.id, { type: 'start', at: 1 });
    await admin.del(`${prefix}:{${expired.id}}`);
    await here.forget(ended.id);
    await here.forget(expired.id);
    const left = await admin.keys(`*${prefix}*`);
    expect(left.filter((key) => !/:(lease:.*|owners)$/.test(key))).toEqual([]);
  });
});
