import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Controller, Post } from '@nestjs/common';
import { Queue } from 'bullmq';
import { DataSource } from 'typeorm';
import { Backgrounder, EngineUnavailableError, jobOf } from '../../src/index.js';
import { bullMqEngine } from '../../src/engine/bullmq/entry.js';
import { newJobId } from '../../src/job/job-id.js';
import { TestHost } from '../../src/testing/engine-cases/case.js';
import { Crew } from '../processes/crew.js';
import { Far } from '../processes/far.js';
import { freePort } from '../support/free-port.js';
import { ownRedis, type RedisServer } from '../support/redis.js';
import { describeWithPostgres, describeWithRedis } from '../support/services.js';
import { until } from '../support/until.js';

async function refusalOf(options: Parameters<typeof bullMqEngine>[0]): Promise<Error> {
  const engine = bullMqEngine(options);
  const began = Date.now();
  const error = await Promise.resolve(engine.open(new TestHost())).catch(
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(EngineUnavailableError);
  expect(Date.now() - began).toBeLessThan(8_000);
  await engine.close();
  return error as Error;
}

describe('An engine whose queue cannot be reached', () => {
  it.each(['redis', 'postgres'] as const)(
    'says so at the start, without the password: %s',
    async (kind) => {
      const place = `${kind}://user:secret@127.0.0.1:${await freePort()}/0`;
      const { message } = await refusalOf({ [kind]: place });
      expect(message).toContain(`${kind}://127.0.0.1:`);
      expect(message).not.toContain('secret');
    },
  );

  it.each([
    [{}],
    [{ redis: 'redis://localhost', postgres: 'postgres://localhost' }],
    [{ redis: 'no url' }],
    [{ redis: 7 }],
    [{ redis: 'redis://localhost', queue: 'a:b' }],
    [{ redis: 'redis://localhost', wrok: true }],
  ])('is refused where its options cannot be meant: %j', (options) => {
    expect(() => bullMqEngine(options as never)).toThrow(/bullMqEngine\(\)/);
  });
});

describeWithPostgres('An engine that PostgreSQL does not let in', (url) => {
  it('says so at the start', async () => {
    const other = new URL(url);
    other.pathname = '/there_is_no_such_database';
    const { message } = await refusalOf({ postgres: other.href });
    expect(message).toContain('does not exist');
  });
});

@Controller('far')
class FarController {
  constructor(private readonly far: Far) {}

  @Post()
  @Backgrounder()
  start(): void {
    void this.far.add(1, 1);
  }
}

describeWithRedis('An engine whose Redis', () => {
  let redis: RedisServer;
  let crew: Crew;

  beforeAll(async () => {
    redis = await ownRedis('--appendonly', 'no');
    crew = await Crew.gather('Redis', redis.url);
  });

  afterEach(async () => {
    await redis.start();
    await crew.rest();
  });

  afterAll(async () => {
    await crew[Symbol.asyncDispose]();
    await redis[Symbol.asyncDispose]();
  });

  it('wants another password says so at the start', async () => {
    await using guarded = await ownRedis('--requirepass', 'right');
    const { message } = await refusalOf({ redis: guarded.url.replace('//', '//:wrong@') });
    expect(message).toMatch(/WRONGPASS|invalid username-password/);
  });

  it('is away refuses calls within seconds, over HTTP too, and takes them when it is back', async () => {
    const front = await crew.front({}, { work: true, controllers: [FarController] });
    await redis.stop();
    const began = Date.now();
    const refused = jobOf(front.get(Far).add(1, 1));
    await expect(refused).rejects.toBeInstanceOf(EngineUnavailableError);
    expect((await front.fetch('/far', { method: 'POST' })).status).toBe(503);
    expect(Date.now() - began).toBeLessThan(8_000);
    expect(await front.service.list()).toEqual([]);
    await redis.start();
    await until(async () => {
      const sum = await front
        .get(Far)
        .add(1, 1)
        .catch(() => undefined);
      return sum?.sum === 2;
    });
  });

  it('loses its data in mid-job does no harm to what runs, nor to what waits', async () => {
    const front = await crew.front({ concurrency: 1 }, { work: true });
    const running = jobOf(front.get(Far).enter('lost'));
    await until(async () => (await crew.stateOf(running.id)) === 'running');
    const waiting = Array.from({ length: 20 }, (_, index) => jobOf(front.get(Far).add(index, 0)));
    await Promise.all(waiting.map(({ accepted }) => accepted));
    await redis.stop();
    await redis.start();
    await crew.openDoor('lost');
    expect(await running).toBe(1);
    const sums = await Promise.all(waiting);
    expect(sums.map(({ sum }) => sum)).toEqual(sums.map((_, index) => index));
    expect(await crew.attempts(running.id)).toEqual([1]);
  });

  it('is away when a transaction is committed gets its jobs when it is back', async () => {
    const front = await crew.front({}, { work: true });
    await redis.stop();
    const dataSource = front.get(DataSource);
    const futures = await dataSource.transaction(async () => {
      await dataSource.query('SELECT 1');
      return { add: jobOf(front.get(Far).add(40, 2)) };
    });
    await futures.add.accepted;
    expect(await crew.stateOf(futures.add.id)).toBe('queued');
    await redis.start();
    expect((await futures.add).sum).toBe(42);
  });

  it('holds messages of others runs none of them, and says so', async () => {
    const front = await crew.front({}, { work: true });
    const { queue } = crew.engine;
    const foreign = new Queue(queue!, { connection: { url: redis.url } });
    const unknown = newJobId();
    await foreign.add('far.add', { args: [1, 2] });
    await foreign.add(
      'far.add',
      { __proto__: { limit: 1 }, limit: { key: 7 } },
      { jobId: newJobId() },
    );
    await foreign.add('constructor', 'text', { jobId: unknown });
    await until(async () => (await foreign.getFailedCount()) === 2);
    await until(() => front.log.containing('warn', unknown).length === 1);
    expect(front.log.containing('warn', 'none of its own')).toHaveLength(2);
    expect((await front.get(Far).add(1, 1)).sum).toBe(2);
    await foreign.close();
  });

  it('delivers a job that is over has it acknowledged, not run', async () => {
    const front = await crew.front({}, { work: true });
    await crew.openDoor('over');
    const done = jobOf(front.get(Far).enter('over'));
    await done;
    const again = new Queue(crew.engine.queue!, { connection: { url: redis.url } });
    await until(async () => (await again.getJob(done.id)) === undefined);
    await again.add('far.enter', {}, { jobId: done.id, removeOnComplete: true });
    await until(async () => (await again.getJob(done.id)) === undefined);
    expect(await crew.attempts(done.id)).toEqual([1]);
    await again.close();
  });
});

describeWithPostgres('An engine whose connections to PostgreSQL are cut', () => {
  it('goes on with new ones, and loses no job', async () => {
    await using crew = await Crew.gather('PostgreSQL');
    const front = await crew.front({ concurrency: 4 }, { work: true });
    const futures = Array.from({ length: 30 }, (_, index) => jobOf(front.get(Far).add(index, 1)));
    await Promise.all(futures.map(({ accepted }) => accepted));
    await until(async () => (await crew.stateOf(futures[2]!.id)) === 'completed');
    const cut = await crew.outside.query<unknown[]>(
      'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() ' +
        "AND pid <> pg_backend_pid() AND query ~ 'move_to|add_job|LISTEN|has_waiting|extend_lock|get_state'",
    );
    expect(cut.length).toBeGreaterThan(0);
    const sums = await Promise.all(futures);
    expect(sums.map(({ sum }) => sum)).toEqual(sums.map((_, index) => index + 1));
    expect((await front.get(Far).add(1, 1)).sum).toBe(2);
  });
});
