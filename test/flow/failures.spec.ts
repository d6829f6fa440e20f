import { afterEach, describe, expect, it } from '@jest/globals';
import { JobTimeoutError, print, Timeout, type JobFuture } from '../../src/index.js';
import { startJobs } from '../support/any-job.js';
import { closeApps } from '../support/test-app.js';
import { until } from '../support/until.js';

afterEach(closeApps);

const isOver = (job: JobFuture<unknown>) => async (): Promise<boolean> =>
  (await job.job()).finishedAt !== null;

const HOSTILE = {
  get message(): string {
    throw new Error('do not read me');
  },
  toString: (): string => {
    throw new Error('do not print me');
  },
};
const UNREADABLE = Object.defineProperties(new Error(), {
  stack: { get: () => HOSTILE.message },
  message: { get: () => HOSTILE.message },
});
const WITHOUT_STACK = Object.defineProperty(new Error('boom'), 'stack', {
  get: () => HOSTILE.message,
});
const PROXY = new Proxy(
  {},
  {
    get: () => HOSTILE.message,
    getPrototypeOf: () => HOSTILE.message as unknown as object,
    ownKeys: () => HOSTILE.message,
  },
);
const CIRCLE: { self?: unknown } = {};
CIRCLE.self = CIRCLE;

// Functions, because Jest prints what it is given. A rejection that nobody handles fails a test by itself.
const THROWN: readonly [what: string, thrown: () => unknown, message: string | RegExp][] = [
  ['an error', () => new Error('boom'), 'boom'],
  ['an error of another kind', () => new RangeError('far'), 'far'],
  ['a frozen error', () => Object.freeze(new Error('cold')), 'cold'],
  ['an error with a cause', () => new Error('outer', { cause: new Error('inner') }), 'outer'],
  ['a text', () => 'str', 'str'],
  ['an empty text', () => '', ''],
  ['a number', () => 42, '42'],
  ['undefined', () => undefined, 'undefined'],
  ['null', () => null, 'null'],
  ['false', () => false, 'false'],
  ['a symbol', () => Symbol('why'), 'Symbol(why)'],
  ['an object', () => ({ code: 7 }), '{ code: 7 }'],
  ['a frozen object', () => Object.freeze({ code: 8 }), '{ code: 8 }'],
  ['an object without a prototype', () => Object.create(null) as unknown, /null prototype/],
  ['a circle', () => CIRCLE, /Circular/],
  ['a function', () => () => 'called', /Function/],
  ['an object whose getters throw', () => HOSTILE, /Getter/],
  ['an error that cannot be read', () => UNREADABLE, /cannot be read/],
  ['an error whose stack cannot be had', () => WITHOUT_STACK, 'boom'],
  ['a proxy that refuses everything', () => PROXY, /./],
];

describe.each(THROWN)('A job that throws %s', (_what, makeThrown, message) => {
  const thrown = makeThrown();

  it.each([
    [
      'at once',
      () => {
        throw thrown;
      },
    ],
    ['later', () => Promise.reject(thrown)],
  ])('%s has failed, is logged once with its id, and the next job runs', async (_when, fail) => {
    const app = await startJobs({ concurrency: 1 });
    const job = app.run(() => {
      print('x');
      return fail();
    });
    const next = app.run(() => 'next');
    await until(isOver(job));
    const { state, error } = await job.job();
    expect(state).toBe('failed');
    expect(error!.message).toEqual(
      message instanceof RegExp ? expect.stringMatching(message) : message,
    );
    expect(await app.service.output(job.id)).toBe('x\n');
    expect(app.log.containing('error', job.id)).toHaveLength(1);
    expect(await next).toBe('next');
    expect(JSON.parse(JSON.stringify(await job.job()))).toEqual(await job.job());
  });

  it('gives that very value to everybody who awaits it, before and after its end', async () => {
    const app = await startJobs();
    const job = app.run(() => Promise.reject(thrown));
    const caught = (): Promise<unknown> =>
      job.then(
        () => 'no error',
        (error: unknown) => ({ error }),
      );
    const before = [caught(), caught()];
    for (const end of [...(await Promise.all(before)), await caught(), await caught()]) {
      expect(Object.is((end as { error: unknown }).error, thrown)).toBe(true);
    }
  });
});

describe('A job that fails', () => {
  it('is not logged where somebody awaits it: the failure is theirs', async () => {
    const app = await startJobs();
    const job = app.run(() => Promise.reject(new Error('boom')));
    await expect(job).rejects.toThrow('boom');
    expect(app.log.containing('error', job.id)).toEqual([]);
  });

  it('is logged too where it is a timeout that the future tells as a value', async () => {
    const app = await startJobs();
    const job = app.run(() => new Promise(() => {}), { timeout: 1, onTimeout: 'value' });
    await until(isOver(job));
    expect(app.log.containing('error', job.id)).toHaveLength(1);
  });

  it('is logged with name, message and stack', async () => {
    const app = await startJobs();
    const job = app.run(() => Promise.reject(new Error('boom')));
    await until(() => app.log.containing('error', job.id).length > 0);
    expect(app.log.containing('error', job.id)[0]!.text).toMatch(/AnyJob\.run.*boom/);
  });

  it('is logged with the stacks of its causes, which may lead in a circle', async () => {
    const app = await startJobs();
    const inner: Error = new TypeError('inner');
    const outer = new Error('outer', { cause: inner });
    inner.cause = outer;
    const job = app.run(() => Promise.reject(outer));
    await until(() => app.log.containing('error', job.id).length > 0);
    const { stack } = app.log.containing('error', job.id)[0]!;
    expect(stack).toMatch(/^Error: outer\n +at .*\nCaused by: TypeError: inner\n +at /s);
    expect(stack!.match(/^Caused by/gm)).toHaveLength(5);
  });

  it('is still logged where others only watch it', async () => {
    const app = await startJobs();
    const job = app.run(() => Promise.reject(new Error('boom')));
    await expect(app.service.wait(job.id)).rejects.toThrow('boom');
    await job.accepted;
    await job.job();
    expect(app.log.containing('error', job.id)).toHaveLength(1);
  });

  it('gives whoever waits by its id the error, before and after its end', async () => {
    const app = await startJobs();
    const error = new RangeError('boom');
    const job = app.run(() => Promise.reject(error));
    await expect(app.service.wait(job.id)).rejects.toBe(error);
    await expect(app.service.wait(job.id)).rejects.toBe(error);
  });

  it('gives whoever waits by its id after the end what its future gave', async () => {
    const app = await startJobs();
    const never = (): Promise<void> => new Promise(() => {});
    const late = app.run(never, { timeout: 1 });
    await expect(late).rejects.toBeInstanceOf(JobTimeoutError);
    await expect(app.service.wait(late.id)).rejects.toBeInstanceOf(JobTimeoutError);
    const value = app.run(never, { timeout: 1, onTimeout: 'value' });
    expect(await value).toBe(Timeout);
    expect(await app.service.wait(value.id)).toBe(Timeout);
    const stopped = app.run(never);
    await stopped.cancel('enough');
    const error = await stopped.catch((error: unknown) => error);
    await expect(app.service.wait(stopped.id)).rejects.toBe(error);
    expect(error).toMatchObject({ name: 'JobCancelledError', reason: 'enough' });
  });

  it('stops no other, even if a hundred fail at once', async () => {
    const app = await startJobs();
    const jobs = Array.from({ length: 100 }, (_, n) =>
      app.run(() => {
        if (n % 2) throw new Error(`boom ${n}`);
        return n;
      }),
    );
    const ends = await Promise.allSettled(jobs);
    expect(ends.filter(({ status }) => status === 'fulfilled')).toHaveLength(50);
  });

  it('does not harm the application when its log fails', async () => {
    const app = await startJobs({ concurrency: 1 });
    app.log.error = () => {
      throw new Error('the disk is full');
    };
    const job = app.run(() => Promise.reject(new Error('boom')));
    await until(isOver(job));
    expect(await app.run(() => 'next')).toBe('next');
  });
});

describe('A job that returns', () => {
  it.each([
    ['nothing', () => undefined, undefined],
    ['null', () => null, null],
    ['a number that JSON has not', () => NaN, null],
    ['a BigInt', () => 10n, '10'],
    ['a date', () => new Date(0), '1970-01-01T00:00:00.000Z'],
    ['a circle', () => CIRCLE, { self: '[Circular]' }],
    [
      'what JSON cannot read',
      () => ({ toJSON: () => HOSTILE.message }),
      '[No JSON: do not read me]',
    ],
  ])('%s has completed, and keeps of it what JSON can', async (_what, make, kept) => {
    const app = await startJobs();
    const value: unknown = make();
    const job = app.run(() => value);
    expect(Object.is(await job, value)).toBe(true);
    const read = await job.job();
    expect(read.state).toBe('completed');
    expect(read.result).toEqual(kept);
    expect('result' in read).toBe(kept !== undefined);
  });

  it('an object keeps it as it was then', async () => {
    const app = await startJobs();
    const value = { list: [1] };
    const job = app.run(() => value);
    await job;
    value.list.push(2);
    expect((await job.job()).result).toEqual({ list: [1] });
  });
});
