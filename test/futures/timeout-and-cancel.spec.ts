import { afterEach, describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import {
  Background,
  background,
  currentJob,
  JobCancelledError,
  jobOf,
  JobTimeoutError,
  print,
  setProgress,
  Timeout,
  type BackgroundModuleOptions,
  type JobFuture,
} from '../../src/index.js';
import { fakeClock, type FakeClock } from '../../src/testing/index.js';
import { Latch } from '../support/latch.js';
import { closeApps, startApp, type TestApp } from '../support/test-app.js';

afterEach(closeApps);

const clocks = { current: fakeClock() };

@Injectable()
class Slow {
  readonly runs: number[] = [];
  readonly reasons: unknown[] = [];
  readonly latch = new Latch();

  @Background()
  async sleeps(seconds: number, value: unknown = seconds): Promise<unknown> {
    this.runs.push(seconds);
    await new Promise<void>((resolve) => clocks.current.after(seconds * 1_000, resolve));
    print('too late');
    setProgress(100);
    return value;
  }

  @Background()
  async listens(): Promise<never> {
    const { signal } = currentJob()!;
    return new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => {
        this.reasons.push(signal.reason);
        reject(new Error('stopped by its signal'));
      });
    });
  }

  @Background()
  async tells(): Promise<never> {
    const { signal } = currentJob()!;
    return new Promise(() => {
      signal.addEventListener('abort', () => print(`stopped in ${currentJob()?.name}`));
    });
  }

  @Background()
  async stops(other: JobFuture<unknown>[]): Promise<void> {
    await other[0]!.cancel();
  }

  @Background()
  async fails(): Promise<never> {
    this.runs.push(this.runs.length);
    throw new Error('again');
  }
}

async function slow(options: BackgroundModuleOptions = {}): Promise<[Slow, FakeClock, TestApp]> {
  const clock = (clocks.current = fakeClock());
  const app = await startApp({ providers: [Slow], background: { clock, ...options } });
  return [app.get(Slow), clock, app];
}

describe('Futures', () => {
  it('of three slow jobs are awaited in any order, and each ran once', async () => {
    const [jobs, clock] = await slow({ concurrency: 3 });
    const [x, y, z] = [jobs.sleeps(5, 1), jobs.sleeps(5, 2), jobs.sleeps(5, 3)];
    await clock.advance(5_000);
    expect([await z, await y, await x]).toEqual([3, 2, 1]);
    expect(jobs.runs).toEqual([5, 5, 5]);
  });
});

describe('A timeout', () => {
  it('is counted from the start, rejects at once, aborts the signal, and fences off what comes later', async () => {
    const [jobs, clock, { service }] = await slow({ concurrency: 1 });
    const first = jobs.sleeps(3);
    const timed = background(jobs, { timeout: '1s' }).sleeps(5);
    await clock.advance(3_000);
    expect(await first).toBe(3);
    await clock.advance(999);
    expect((await timed.job()).state).toBe('running');
    await clock.advance(1);
    await expect(timed).rejects.toBeInstanceOf(JobTimeoutError);
    const failed = await timed.job();
    expect(failed).toMatchObject({ state: 'failed', error: { name: 'JobTimeoutError' } });
    await clock.advance(5_000);
    expect(await timed.job()).toEqual(failed);
    expect(await service.output(timed.id)).toBe('');
  });

  it("gives the value Timeout where that is asked for, as PyBackground's example", async () => {
    const [jobs, clock] = await slow();
    const x = background(jobs, { timeout: '1s', onTimeout: 'value' }).sleeps(5, 'foobar1');
    const y = background(jobs, { timeout: '6s', onTimeout: 'value' }).sleeps(5, 'foobar2');
    await clock.advance(5_000);
    expect(await x).toBe(Timeout);
    expect(await y).toBe('foobar2');
    expect((await x.job()).state).toBe('failed');
  });

  it('aborts the signal with the error as its reason', async () => {
    const [jobs, clock] = await slow();
    const future = background(jobs, { timeout: 250 }).listens();
    await clock.advance(250);
    const error: unknown = await future.catch((thrown: unknown) => thrown);
    expect(jobs.reasons).toEqual([error]);
  });

  it('is heard by a listener that is in its job, and prints there', async () => {
    const [jobs, clock, { service }] = await slow();
    const future = background(jobs, { timeout: 250 }).tells();
    await clock.advance(250);
    await expect(future).rejects.toBeInstanceOf(JobTimeoutError);
    expect(await service.output(future.id)).toBe('stopped in Slow.tells\n');
  });

  it('of an attempt is followed by the next one, which has as long', async () => {
    const [jobs, clock] = await slow();
    const retries = { limit: 1, delay: '10s', backoff: 'fixed' } as const;
    const future = background(jobs, { timeout: '1s', retries }).sleeps(5);
    await clock.advance(1_000);
    expect((await future.job()).state).toBe('scheduled');
    await clock.advance(10_999);
    expect((await future.job()).state).toBe('running');
    await clock.advance(1);
    await expect(future).rejects.toBeInstanceOf(JobTimeoutError);
    expect(jobs.runs).toEqual([5, 5]);
  });

  it('of a child that a parent waits for lets the parent go on', async () => {
    const [jobs, clock, { service }] = await slow({ concurrency: 1 });
    const parent = service.perform(async () => {
      const timed = background(jobs, { timeout: '2s' }).sleeps(5);
      return [await timed.catch((error: Error) => error.name), await jobs.sleeps(1)];
    });
    await clock.advance(3_000);
    expect(await service.wait(parent)).toEqual(['JobTimeoutError', 1]);
  });
});

describe('cancel()', () => {
  it('keeps a queued and a delayed job from ever starting', async () => {
    const [jobs, clock, { service }] = await slow({ concurrency: 1 });
    const running = jobs.sleeps(5);
    const queued = jobOf(jobs.sleeps(6));
    const delayed = background(jobs, { delay: '1s' }).sleeps(7);
    await clock.advance(1);
    expect(await queued.cancel('not needed')).toBe(true);
    expect(await service.cancel(delayed.id)).toBe(true);
    await expect(queued).rejects.toMatchObject({
      constructor: JobCancelledError,
      reason: 'not needed',
    });
    await clock.advance(60_000);
    expect(await running).toBe(5);
    expect(jobs.runs).toEqual([5]);
    expect(await queued.job()).toMatchObject({ state: 'cancelled', attempt: 0, startedAt: null });
    await expect(delayed).rejects.toBeInstanceOf(JobCancelledError);
  });

  it.each(['future', 'service'] as const)('from the %s stops a running job', async (by) => {
    const [jobs, clock, { service }] = await slow();
    const future = jobOf(jobs.listens());
    await clock.advance(1);
    expect(
      await (by === 'future' ? future.cancel('enough') : service.cancel(future.id, 'enough')),
    ).toBe(true);
    await expect(future).rejects.toMatchObject({ name: 'JobCancelledError', reason: 'enough' });
    expect(jobs.reasons).toMatchObject([{ name: 'JobCancelledError' }]);
    expect((await future.job()).state).toBe('cancelled');
  });

  it('by another job is heard in the job that is stopped, and printed there', async () => {
    const [jobs, clock, { service }] = await slow();
    const future = jobOf(jobs.tells());
    await clock.advance(1);
    const stopping = jobOf(jobs.stops([future]));
    await stopping;
    await expect(future).rejects.toBeInstanceOf(JobCancelledError);
    expect(await service.output(future.id)).toBe('stopped in Slow.tells\n');
    expect(await service.output(stopping.id)).toBe('');
  });

  it('ends the waiting for the next attempt', async () => {
    const [jobs, clock] = await slow();
    const future = background(jobs, { retries: { limit: 3, delay: '1m' } }).fails();
    await clock.advance(1);
    expect((await future.job()).state).toBe('scheduled');
    await future.cancel();
    await clock.advance(600_000);
    await expect(future).rejects.toBeInstanceOf(JobCancelledError);
    expect(jobs.runs).toHaveLength(1);
  });

  it('of a job that is over, or was never there, gives false and no error', async () => {
    const [jobs, clock, { service }] = await slow();
    const done = jobOf(jobs.sleeps(0));
    const failed: JobFuture<unknown> = jobOf(jobs.fails());
    await clock.advance(1);
    await failed.catch(() => {});
    expect(await done.cancel()).toBe(false);
    expect(await failed.cancel()).toBe(false);
    expect(await service.cancel('nobody')).toBe(false);
    expect((await done.job()).state).toBe('completed');
  });

  it('called twice at once stops the job once', async () => {
    const [jobs, clock] = await slow();
    const future = jobOf(jobs.listens());
    await clock.advance(1);
    expect(await Promise.all([future.cancel('a'), future.cancel('b')])).toEqual([true, false]);
    await expect(future).rejects.toMatchObject({ reason: 'a' });
  });
});

describe('Retries', () => {
  it('wait longer each time, by the part that is not left to chance', async () => {
    const [jobs, clock] = await slow();
    const retries = { limit: 3, delay: '1s', backoff: 'exponential', jitter: 0.5 } as const;
    const future = background(jobs, { retries }).fails();
    const end = future.catch((error: Error) => error.message);
    // With chance at its least and at its most: 0.5 to 1 s, then 1 to 2 s, then 2 to 4 s.
    await clock.advance(499);
    expect(jobs.runs).toHaveLength(1);
    await clock.advance(501);
    expect(jobs.runs).toHaveLength(2);
    await clock.advance(2_000);
    await clock.advance(4_000);
    expect(jobs.runs).toHaveLength(4);
    expect(await end).toBe('again');
    expect((await future.job()).attempt).toBe(4);
  });
});
