import { afterEach, describe, expect, it } from '@jest/globals';
import {
  background,
  Background,
  BackgroundOptionsError,
  type BackgroundOptions,
  type JobFuture,
} from '../../src/index.js';
import { fakeClock } from '../../src/testing/index.js';
import { closeApps } from '../support/test-app.js';
import { exportsOf } from './exports.js';

afterEach(closeApps);

describe('A unique key', () => {
  it('gives the second call the future of the first, whatever else it was given', async () => {
    const [jobs, { service }] = await exportsOf();
    const [first, second] = [jobs.once('a1'), jobs.once('a2')];
    expect(second).toBe(first);
    const other = jobs.once('b1');
    expect(other).not.toBe(first);
    jobs.open('a1', 'b1');
    expect(await Promise.all([first, second, other])).toEqual(['a1', 'a1', 'b1']);
    expect(await service.list()).toHaveLength(2);
  });

  it('is free again for whoever awaits the job, at once', async () => {
    const [jobs] = await exportsOf();
    const first = jobs.once('a') as JobFuture<string>;
    const next = Promise.all([first]).then(() => jobs.once('a'));
    jobs.open('a');
    await first;
    const second = jobs.once('a') as JobFuture<string>;
    expect(second).not.toBe(first);
    await Promise.all([second, next]);
  });

  it('is free again when the job is over, whatever its end', async () => {
    const [jobs] = await exportsOf();
    const first = jobs.once('a') as JobFuture<string>;
    jobs.open('a');
    await first;
    const second = jobs.once('a') as JobFuture<string>;
    expect(second.id).not.toBe(first.id);
    await second;
    const third = jobs.once('z') as JobFuture<string>;
    await third.accepted;
    await third.cancel();
    await third.catch(() => {});
    expect((jobs.once('z') as JobFuture<string>).id).not.toBe(third.id);
    jobs.open('z');
  });

  it('is held by a job that runs again on request, until that is over', async () => {
    const [jobs, { service }] = await exportsOf();
    const first = jobs.once('a1') as JobFuture<string>;
    await first.cancel();
    await first.catch(() => {});
    expect(await service.retry(first.id)).toBe(true);
    const same = jobs.once('a2') as JobFuture<string>;
    expect(same.id).toBe(first.id);
    jobs.open('a1');
    expect(await same).toBe('a1');
    expect((jobs.once('a1') as JobFuture<string>).id).not.toBe(first.id);
  });

  it('that another has meanwhile keeps no job from running again on request', async () => {
    const [jobs, { service }] = await exportsOf();
    const first = jobs.once('a1') as JobFuture<string>;
    await first.cancel();
    await first.catch(() => {});
    const second = jobs.once('a2') as JobFuture<string>;
    expect(await service.retry(first.id)).toBe(true);
    expect((jobs.once('a3') as JobFuture<string>).id).toBe(second.id);
    jobs.open('a1', 'a2');
    expect(await Promise.all([service.wait(first.id), second])).toEqual(['a1', 'a2']);
  });

  it('with a time stands for later calls too, counted from the first', async () => {
    const clock = fakeClock();
    const [jobs] = await exportsOf({ background: { clock } });
    const view = background(jobs, { unique: { key: () => 'one', for: '1m' } });
    jobs.open('a', 'b', 'c');
    const first = view.free('a');
    await clock.advance(59_999);
    expect(view.free('b')).toBe(first);
    await clock.advance(1);
    const second = view.free('c');
    expect(second).not.toBe(first);
    await clock.advance(0);
    expect(await second).toBe('c');
  });

  it.each([{ completed: '1m' }, { count: 1 }])(
    'with a time stands for no call when its job is kept no more: %p',
    async (retention) => {
      const clock = fakeClock();
      const [jobs, { service }] = await exportsOf({ background: { clock, retention } });
      const view = background(jobs, { unique: { key: () => 'one', for: '1h' } });
      jobs.open('a', 'b', 'other');
      const first = view.free('a');
      await first;
      expect(view.free('b')).toBe(first);
      await jobs.free('other');
      await clock.advance(60_000);
      expect(await service.find(first.id)).toBeUndefined();
      expect(await view.free('b')).toBe('b');
    },
  );

  it('with a time does not stand for calls after a failure', async () => {
    const [jobs] = await exportsOf();
    const view = background(jobs, { unique: { key: () => 'one', for: '1h' } });
    await expect(view.failsTwice()).rejects.toThrow('failure 1');
    await expect(view.failsTwice()).rejects.toThrow('failure 2');
    expect(await view.failsTwice()).toBe('after 3');
    expect(await view.failsTwice()).toBe('after 3');
    expect(jobs.failures).toBe(3);
  });

  it('is no obstacle to a method that calls the one that it overrides', async () => {
    const unique = { key: () => 'one' };
    class Plain {
      @Background({ unique })
      async build(): Promise<string> {
        return 'plain';
      }
    }
    class Better extends Plain {
      @Background({ unique })
      override async build(): Promise<string> {
        return `better than ${await super.build()}`;
      }
    }
    const better = new Better();
    const first = better.build();
    expect(better.build()).toBe(first);
    expect(await first).toBe('better than plain');
  });

  it('is counted apart for each job', async () => {
    const [jobs] = await exportsOf();
    const key = (): string => 'one';
    const free = background(jobs, { unique: { key } }).free('a');
    expect(background(jobs, { unique: { key } }).two('a').id).not.toBe(free.id);
    jobs.open('a');
    await free;
  });
});

describe('A key that cannot be told', () => {
  const throws = (): string => {
    throw new Error('no key');
  };
  const isNone = (): string => 7 as unknown as string;

  it.each<[string, BackgroundOptions, string]>([
    ['concurrency, throws', { concurrency: { limit: 1, key: throws } }, 'threw'],
    ['concurrency, no text', { concurrency: { limit: 1, key: isNone } }, 'gave 7'],
    ['unique, throws', { unique: { key: throws } }, 'threw'],
    ['unique, no text', { unique: { key: isNone } }, 'gave 7'],
  ])('refuses the call, and leaves no trace of it: %s', async (_what, options, message) => {
    const [jobs, { service }] = await exportsOf();
    const refused = background(jobs, options).free('a');
    await expect(refused.accepted).rejects.toBeInstanceOf(BackgroundOptionsError);
    await expect(refused).rejects.toThrow(message);
    expect(await service.list()).toEqual([]);
    jobs.open('b');
    expect(await jobs.free('b')).toBe('b');
  });

  it('because an argument is a future refuses the call, where it makes it unique', async () => {
    const [jobs] = await exportsOf();
    jobs.open('a');
    const view = background(jobs, { unique: { key: String } });
    await expect(view.free(jobs.free('a') as JobFuture<string>)).rejects.toThrow(
      'Await them first',
    );
  });

  it.each<[unknown]>([
    [{ concurrency: 0 }],
    [{ concurrency: { key: String } }],
    [{ concurrency: { limit: NaN } }],
    [{ unique: {} }],
    [{ unique: { key: 'id' } }],
    [{ unique: { key: String, for: -1 } }],
    [{ unique: { key: String, for: '3 fortnights' } }],
    [{ timeout: NaN }],
    [{ timeout: -1 }],
    [{ delay: 'soon' }],
    [{ retries: { limit: 1, delay: '1 parsec' } }],
  ])(
    'or another option that cannot be meant, is refused where it is given: %j',
    async (options) => {
      const [jobs] = await exportsOf();
      expect(() => background(jobs, options as BackgroundOptions).free('a')).toThrow(
        BackgroundOptionsError,
      );
    },
  );
});
