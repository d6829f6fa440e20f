import { afterEach, describe, expect, it } from '@jest/globals';
import { background, QueueFullError, type JobFuture } from '../../src/index.js';
import { fakeClock } from '../../src/testing/index.js';
import { closeApps } from '../support/test-app.js';
import { until } from '../support/until.js';
import { exportsOf } from './exports.js';

afterEach(closeApps);

describe('retry()', () => {
  it('runs a failed job again, under its id, its attempts counted on', async () => {
    const [jobs, { service }] = await exportsOf();
    const future = jobs.failsTwice() as JobFuture<string>;
    await expect(future).rejects.toThrow('failure 1');
    expect(await service.retry(future.id)).toBe(true);
    await expect(service.wait(future.id)).rejects.toThrow('failure 2');
    expect(await future.job()).toMatchObject({ state: 'failed', attempt: 2 });
    expect(await service.retry(future.id)).toBe(true);
    expect(await service.wait(future.id)).toBe('after 3');
    expect(await future.job()).toMatchObject({ state: 'completed', attempt: 3 });
    expect((await future.job()).error).toBeUndefined();
    await expect(future).rejects.toThrow('failure 1');
  });

  it('runs a cancelled job, at once even if it was delayed', async () => {
    const [jobs, { service }] = await exportsOf();
    const future = background(jobs, { delay: '1h' }).free('a');
    await future.accepted;
    await future.cancel();
    await expect(future).rejects.toThrow('cancelled');
    expect(await service.retry(future.id)).toBe(true);
    jobs.open('a');
    expect(await service.wait(future.id)).toBe('a');
  });

  it('has nothing to do for a job that is unknown, unfinished or completed', async () => {
    const [jobs, { service }] = await exportsOf();
    const future = jobs.free('a') as JobFuture<string>;
    await until(() => jobs.started.length === 1);
    expect(await service.retry(future.id)).toBe(false);
    jobs.open('a');
    await future;
    expect(await service.retry(future.id)).toBe(false);
    expect(await service.retry('nobody')).toBe(false);
  });

  it('called twice at once runs the job once', async () => {
    const [jobs, { service }] = await exportsOf();
    const future = jobs.failsTwice() as JobFuture<string>;
    await future.catch(() => {});
    expect(await Promise.all([service.retry(future.id), service.retry(future.id)])).toEqual([
      true,
      false,
    ]);
    await service.drain();
    expect(jobs.failures).toBe(2);
  });

  it('takes the job out of its retention, and puts it back at its next end', async () => {
    const clock = fakeClock();
    const [jobs, { service }] = await exportsOf({
      background: { clock, retention: { failed: '1h', completed: '1h' } },
    });
    const future = jobs.failsTwice() as JobFuture<string>;
    await clock.advance(0);
    await clock.advance(30 * 60_000);
    await service.retry(future.id);
    await clock.advance(59 * 60_000);
    expect(await service.find(future.id)).toMatchObject({ state: 'failed', attempt: 2 });
    await clock.advance(2 * 60_000);
    expect(await service.find(future.id)).toBeUndefined();
    expect(await service.retry(future.id)).toBe(false);
  });

  it('keeps no more failed jobs than asked for, however often they ran again', async () => {
    const clock = fakeClock();
    const [jobs, { service }] = await exportsOf({ background: { clock, retention: { count: 2 } } });
    const [a, b] = [jobs.failsTwice() as JobFuture<string>, jobs.failsTwice() as JobFuture<string>];
    await Promise.allSettled([a, b]);
    await clock.advance(1_000);
    await service.retry(a.id);
    expect(await service.wait(a.id)).toBe('after 3');
    expect(await service.list()).toHaveLength(2);
    await clock.advance(1_000);
    jobs.open('c');
    await jobs.free('c');
    expect((await service.list()).map(({ id }) => id)).not.toContain(b.id);
    expect(await service.list()).toHaveLength(2);
  });

  it('is refused by a full queue, and leaves the job as it was', async () => {
    const [jobs, { service }] = await exportsOf({ background: { concurrency: 1, queueLimit: 0 } });
    const future = jobs.failsTwice() as JobFuture<string>;
    await future.catch(() => {});
    await service.drain();
    void jobs.free('a');
    await until(() => jobs.started.length === 1);
    await expect(service.retry(future.id)).rejects.toBeInstanceOf(QueueFullError);
    expect((await future.job()).state).toBe('failed');
    jobs.open('a');
    await service.drain();
    await until(async () => service.retry(future.id).catch(() => false));
  });
});
