import { afterEach, describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import {
  background,
  Background,
  BackgroundService,
  currentJob,
  JobDeadlockError,
  jobOf,
  type JobFuture,
} from '../../src/index.js';
import { Latch } from '../support/latch.js';
import { closeApps, startApp, type TestApp } from '../support/test-app.js';
import { until } from '../support/until.js';

afterEach(closeApps);

@Injectable()
class Waiters {
  readonly latch = new Latch();
  readonly futures = new Map<string, JobFuture<unknown>>();
  readonly order: string[] = [];

  constructor(private readonly service: BackgroundService) {}

  @Background()
  async chain(depth: number): Promise<number> {
    return depth === 0 ? 0 : 1 + (await this.chain(depth - 1));
  }

  @Background()
  async tree(depth: number): Promise<number> {
    if (depth === 0) return 1;
    const branches = await Promise.all([this.tree(depth - 1), this.tree(depth - 1)]);
    return branches.reduce((sum, leaves) => sum + leaves, 0);
  }

  @Background()
  async leaf(value: unknown): Promise<unknown> {
    return value;
  }

  @Background()
  async held(): Promise<string> {
    await this.latch.opened;
    return 'held';
  }

  @Background()
  async first(kind: 'race' | 'any'): Promise<unknown> {
    const children = [this.held(), this.leaf('quick')];
    return kind === 'race' ? Promise.race(children) : Promise.any(children);
  }

  /** Waits for the future with the other's name, once the test has opened the latch. */
  @Background()
  async waitsFor(other: string): Promise<unknown> {
    await this.latch.opened;
    return this.futures.get(other);
  }

  @Background()
  async allOf(...others: string[]): Promise<unknown> {
    await this.latch.opened;
    return Promise.all(others.map((other) => this.futures.get(other)!));
  }

  @Background()
  async deepWait(other: string): Promise<unknown> {
    await this.latch.opened;
    const nested = async (): Promise<unknown> => await this.futures.get(other);
    return Promise.race([nested(), new Promise<never>(() => {})]);
  }

  @Background()
  async waitsById(other: string): Promise<unknown> {
    await this.latch.opened;
    return this.service.wait(this.futures.get(other)?.id ?? currentJob()!.id);
  }

  @Background()
  async drains(): Promise<void> {
    await this.service.drain();
  }

  @Background()
  async parentWithoutWait(): Promise<string> {
    const parent = currentJob()!.id;
    jobOf(this.childThatWaits(parent)).catch(() => {});
    await this.latch.opened;
    return 'parent';
  }

  @Background()
  async parentThatWaitsForTheCaught(): Promise<unknown> {
    return jobOf(this.childThatWaits(currentJob()!.id)).catch((error: unknown) => error);
  }

  @Background()
  async childThatWaits(id: string): Promise<unknown> {
    const result = await this.service.wait(id);
    this.order.push('child heard of its parent');
    return result;
  }
}

async function waiters(concurrency: number): Promise<[Waiters, TestApp]> {
  const app = await startApp({ providers: [Waiters], background: { concurrency } });
  return [app.get(Waiters), app];
}

describe('A job that waits for a job', () => {
  it('lends its slot: both finish where there is only one', async () => {
    const [jobs] = await waiters(1);
    expect(await jobs.chain(1)).toBe(1);
  });

  it('may stand at the head of a chain a thousand deep on one slot', async () => {
    const [jobs] = await waiters(1);
    expect(await jobs.chain(1_000)).toBe(1_000);
  });

  it.each([1, 2, 3])('may wait for several at once, on %d slots', async (concurrency) => {
    const [jobs] = await waiters(concurrency);
    expect(await jobs.tree(6)).toBe(64);
  });

  it.each(['race', 'any'] as const)(
    'goes on with the first of Promise.%s, on one slot',
    async (kind) => {
      const [jobs, { service }] = await waiters(1);
      const winner = jobs.first(kind);
      await until(
        async () => (await service.list({ name: 'Waiters.held', state: 'running' })).length === 1,
      );
      expect((await service.list({ name: 'Waiters.leaf' }))[0]!.state).toBe('queued');
      jobs.latch.open();
      expect(await winner).toBe('held');
      expect(await jobs.chain(3)).toBe(3);
    },
  );

  it('lets the awaited job go before others that came earlier, so that few jobs are begun at a time', async () => {
    const [jobs, app] = await waiters(1);
    const parents = Array.from({ length: 20 }, () => jobs.chain(1));
    let most = 0;
    while ((await app.service.counts()).completed < 40) {
      most = Math.max(most, (await app.service.counts()).running);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await Promise.all(parents)).toEqual(parents.map(() => 1));
    expect(most).toBeLessThanOrEqual(2);
  });

  it('has its slot back afterwards: no more run at once than there are slots', async () => {
    const [jobs, { service }] = await waiters(2);
    await Promise.all([jobs.chain(5), jobs.tree(3), jobs.chain(2)]);
    for (let count = 0; count < 5; count++) void jobs.held();
    await until(async () => (await service.counts()).running === 2);
    await new Promise((resolve) => setImmediate(resolve));
    expect((await service.counts()).running).toBe(2);
    jobs.latch.open();
    await service.drain();
  });

  it('lends no slot twice where it is cancelled while it waits', async () => {
    const [jobs, { service }] = await waiters(1);
    const parent = jobOf(jobs.first('race'));
    await until(
      async () => (await service.list({ name: 'Waiters.held', state: 'running' })).length === 1,
    );
    await parent.cancel();
    const queued = [jobOf(jobs.leaf(1)), jobOf(jobs.leaf(2))];
    await new Promise((resolve) => setImmediate(resolve));
    expect((await queued[0]!.job()).state).toBe('queued');
    jobs.latch.open();
    expect(await Promise.all(queued)).toEqual([1, 2]);
    expect((await service.counts()).running).toBe(0);
    expect(await jobs.chain(2)).toBe(2);
  });
});

describe('A wait that would close a circle', () => {
  async function circle(...names: string[]): Promise<[JobFuture<unknown>[], Waiters]> {
    const [jobs] = await waiters(names.length);
    const futures = names.map((name, index) => {
      const next = names[(index + 1) % names.length]!;
      const future = background(jobs, { name }).waitsFor(next);
      jobs.futures.set(name, future);
      return future;
    });
    await Promise.all(
      futures.map((future) => until(async () => (await future.job()).state === 'running')),
    );
    jobs.latch.open();
    return [futures, jobs];
  }

  it.each([[['a']], [['a', 'b']], [['a', 'b', 'c', 'd', 'e']]])(
    'is rejected at once, and the error names the jobs in order: %j',
    async (names) => {
      const [futures] = await circle(...names);
      const [first] = await Promise.allSettled(futures);
      expect(first).toMatchObject({ status: 'rejected', reason: { name: 'JobDeadlockError' } });
      const { cycle } = (first as PromiseRejectedResult).reason as JobDeadlockError;
      const start = names.indexOf(cycle[0]!);
      expect(cycle).toEqual([...names.slice(start), ...names.slice(0, start)]);
    },
  );

  it('is found in service.wait, in Promise.all and in nested calls too', async () => {
    for (const waiting of ['waitsById', 'allOf', 'deepWait'] as const) {
      const [jobs] = await waiters(2);
      jobs.futures.set('other', background(jobs).waitsFor('this'));
      jobs.futures.set('this', background(jobs)[waiting]('other'));
      jobs.latch.open();
      await expect(jobs.futures.get('this')).rejects.toBeInstanceOf(JobDeadlockError);
    }
  });

  it('is found where a job waits for itself by its id, or for all jobs', async () => {
    const [jobs] = await waiters(1);
    jobs.latch.open();
    await expect(jobs.waitsById('nothing')).rejects.toMatchObject({ cycle: ['Waiters.waitsById'] });
    await expect(jobs.drains()).rejects.toMatchObject({ cycle: ['Waiters.drains'] });
  });

  it('leaves the job free to catch the error and go on', async () => {
    const [jobs] = await waiters(2);
    expect(await jobs.parentThatWaitsForTheCaught()).toBeInstanceOf(JobDeadlockError);
  });

  it('is none where the other only handles the failure and goes on', async () => {
    const [jobs, { service }] = await waiters(2);
    const parent = jobs.parentWithoutWait();
    await until(
      async () => (await service.list({ name: 'Waiters.childThatWaits' }))[0]?.state === 'running',
    );
    jobs.latch.open();
    expect(await parent).toBe('parent');
    await until(() => jobs.order.length === 1);
  });
});
