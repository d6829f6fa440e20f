import { afterEach, describe, expect, it } from '@jest/globals';
import { QueueFullError, type JobFuture } from '../../src/index.js';
import { closeApps } from '../support/test-app.js';
import { until } from '../support/until.js';
import { exportsOf } from './exports.js';

afterEach(closeApps);

describe('A limit of how many jobs of one name run at once', () => {
  it('holds the next ones back, and lets others pass', async () => {
    const [jobs] = await exportsOf();
    const futures = ['a', 'b', 'c'].map((label) => jobs.two(label));
    const other = jobs.free('other');
    await until(() => jobs.started.length === 3);
    expect(jobs.started).toEqual(['a', 'b', 'other']);
    jobs.open('b');
    await until(() => jobs.started.includes('c'));
    jobs.open('a', 'c', 'other');
    expect(await Promise.all([...futures, other])).toEqual(['a', 'b', 'c', 'other']);
  });

  it('counts each key apart', async () => {
    const [jobs, { service }] = await exportsOf();
    ['x-1', 'x-2', 'y-1', 'x-3'].forEach((label) => void jobs.onePerCustomer(label));
    await until(() => jobs.started.length === 2);
    expect(jobs.started).toEqual(['x-1', 'y-1']);
    jobs.open('x-1');
    await until(() => jobs.started.length === 3);
    jobs.open('x-2', 'x-3', 'y-1');
    await service.drain();
    expect(jobs.started).toEqual(['x-1', 'y-1', 'x-2', 'x-3']);
  });

  it('takes those that were held back before others that came later', async () => {
    const [jobs] = await exportsOf({ background: { concurrency: 2 } });
    void jobs.onePerCustomer('x-1');
    void jobs.onePerCustomer('x-2');
    const [first, second] = [jobs.free('free-1'), jobs.free('free-2')];
    await until(() => jobs.started.length === 2);
    expect(jobs.started).toEqual(['x-1', 'free-1']);
    jobs.open('x-1');
    await until(() => jobs.started.length === 3);
    expect(jobs.started[2]).toBe('x-2');
    jobs.open('x-2', 'free-1', 'free-2');
    expect(await Promise.all([first, second])).toEqual(['free-1', 'free-2']);
  });

  it('lets one that waits for another of its kind lend it the place', async () => {
    const [jobs] = await exportsOf();
    expect(await jobs.recursive(20)).toBe(20);
  });

  it('leaves those that are held back free to be cancelled, and counts them for the queue limit', async () => {
    const [jobs, { service }] = await exportsOf({ background: { concurrency: 2, queueLimit: 1 } });
    const [first, second] = [jobs.onePerCustomer('x-1'), jobs.onePerCustomer('x-2')] as [
      JobFuture<string>,
      JobFuture<string>,
    ];
    await until(() => jobs.started.length === 1);
    void jobs.free('free');
    await until(() => jobs.started.length === 2);
    await expect(jobs.free('too many')).rejects.toBeInstanceOf(QueueFullError);
    expect(await second.cancel()).toBe(true);
    jobs.open('x-1', 'x-2', 'free');
    expect(await first).toBe('x-1');
    await service.drain();
    expect(jobs.started).toEqual(['x-1', 'free']);
  });
});
