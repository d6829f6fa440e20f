import { afterEach, beforeEach, expect, it, jest } from '@jest/globals';
import { createRedisBackend, Queue, type BackendFactory, type JobJson } from 'bullmq';
import { Redis } from 'ioredis';
import { inLots } from '../../src/engine/bullmq/redis-lots.js';
import { newPrefix } from '../support/redis.js';
import { describeWithRedis } from '../support/services.js';

const OPTIONS = { defaultJobOptions: { removeOnComplete: true }, lockDuration: 30_000 };

describeWithRedis('What BullMQ does to several jobs in one turn', (url) => {
  let redis: Redis;
  let queue: Queue;
  let calls: string[];

  beforeEach(async () => {
    redis = new Redis(url, { maxRetriesPerRequest: 0 });
    const backend: BackendFactory = (...place) => inLots(createRedisBackend(...place), redis);
    queue = new Queue(newPrefix(), { connection: redis, ...OPTIONS }, backend as never);
    await queue.waitUntilReady();
    calls = [];
    const call = redis.call.bind(redis);
    jest.spyOn(redis, 'call').mockImplementation((name, ...values) => {
      calls.push(name);
      return call(name, ...values);
    });
  });

  afterEach(async () => {
    await queue.obliterate({ force: true });
    await queue.close();
    redis.disconnect();
  });

  const add = async (...ids: string[]): Promise<(string | undefined)[]> => {
    const opts = (jobId: string): object => ({ jobId, priority: 5 });
    const jobs = await queue.addBulk(ids.map((id) => ({ name: id, data: {}, opts: opts(id) })));
    return jobs.map(({ id }) => id);
  };

  /** Fetches the next job. */
  const fetch = async (token: string): Promise<string> => {
    const next = (await queue.getBackend().moveToActive(token, '')) as [JobJson, string];
    return next[1];
  };

  const complete = (id: string, token: string, fetches = false): Promise<{ result: unknown }> => {
    const job = { id, opts: {} } as never;
    return queue.getBackend().moveToCompleted(job, 'null' as never, true, token, fetches);
  };

  it('goes to Redis in one call, and each is told its own', async () => {
    expect(await add('a', 'b', 'c', 'd')).toEqual(['a', 'b', 'c', 'd']);
    const ids = [await fetch('1'), await fetch('2'), await fetch('3')];
    expect(ids).toEqual(['a', 'b', 'c']);
    calls = [];
    const ended = await Promise.all(ids.map((id, at) => complete(id, `${at + 1}`, at === 0)));
    expect(calls.filter((name) => name === 'EVALSHA')).toHaveLength(1);
    const [next] = ended[0]!.result as [JobJson, string];
    expect(next.name).toBe('d');
    expect(ended[1]!.result).toEqual([]);
    expect(await queue.getJobCounts('active', 'prioritized', 'completed')).toEqual({
      ...{ active: 1, prioritized: 0, completed: 0 },
    });
  });

  it('fails for the one that is no longer ours, and not for the others', async () => {
    await add('a', 'b');
    const ids = [await fetch('1'), await fetch('2')];
    const [mine, theirs] = await Promise.allSettled([
      complete(ids[0]!, '1'),
      complete(ids[1]!, 'not its token'),
    ]);
    expect(mine).toMatchObject({ status: 'fulfilled' });
    expect(theirs).toMatchObject({ status: 'rejected', reason: { code: -6 } });
  });

  it('fails for the one that Redis stumbles over, and not for the others', async () => {
    await add('a', 'b', 'c');
    const ids = [await fetch('1'), await fetch('2'), await fetch('3')];
    await redis.del(queue.toKey('b'));
    await redis.set(queue.toKey('b'), 'no hash');
    const ended = await Promise.allSettled(ids.map((id, at) => complete(id, `${at + 1}`)));
    expect(ended.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(String((ended[1] as PromiseRejectedResult).reason)).toContain('WRONGTYPE');
    await redis.del(queue.toKey('b'));
  });

  it('is done where Redis has forgotten the programs', async () => {
    await add('a');
    await redis.script('FLUSH');
    expect(await add('b', 'c')).toEqual(['b', 'c']);
    expect(calls).toContain('EVAL');
  });

  it('keeps the end of one that has failed apart', async () => {
    await add('a', 'b');
    const ids = [await fetch('1'), await fetch('2')];
    const failed = { id: ids[0], opts: { attempts: 1 } } as never;
    await Promise.all([
      queue.getBackend().moveToFailed(failed, 'why', { count: 10 }, '1', false),
      complete(ids[1]!, '2'),
    ]);
    expect(await queue.getJobCounts('active', 'failed')).toEqual({ active: 0, failed: 1 });
  });
});
