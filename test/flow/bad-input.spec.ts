import { inspect } from 'node:util';
import { afterEach, describe, expect, it } from '@jest/globals';
import {
  background,
  Background,
  BackgroundError,
  BackgroundModule,
  BackgroundOptionsError,
  jobOf,
  type BackgroundModuleAsyncOptions,
  type BackgroundModuleOptions,
  type BackgroundOptions,
  type JobQuery,
} from '../../src/index.js';
import { startJobs } from '../support/any-job.js';
import { closeApps } from '../support/test-app.js';

afterEach(closeApps);

/** What the compiler would refuse, as plain JavaScript would give it. */
const wrong = <T>(value: unknown): T => value as T;

type Case = [what: string, options: unknown, message: RegExp];

const BAD_DURATIONS = [-1, NaN, Infinity, '', 'soon', '5 parsecs', '-5m', '1h 30m', null, true, {}];

const BAD_JOB_OPTIONS: Case[] = [
  ['a misspelt option', { timout: '1s' }, /no option "timout".*Did you mean "timeout"\?/],
  ['an option in capitals', { TIMEOUT: 1 }, /Did you mean "timeout"\?/],
  ['the name that others use', { retry: 3 }, /Did you mean "retries"\?/],
  ['an option that means nothing', { colour: 'red' }, /no option "colour".*Known are: .*priority/],
  ['an option with the name of a built-in', { toString: 1 }, /no option "toString"/],
  ['an empty name', { name: '' }, /"name" is ''.*not empty/],
  ['a name that is no text', { name: 5 }, /"name" is 5/],
  ['a name that PostgreSQL cannot store', { name: 'a\0b' }, /"name" is .*no NUL/],
  ['a name for which there is no room', { name: 'x'.repeat(256) }, /"name" is .*255 characters/],
  ['another way to time out', { onTimeout: 'ignore' }, /"onTimeout".*'throw' or 'value'/],
  ['half a retry', { retries: 1.5 }, /"retries" is 1\.5.*whole number, 0 or more/],
  ['less than no retry', { retries: -1 }, /"retries" is -1/],
  ['retries that are no number', { retries: NaN }, /"retries" is NaN/],
  ['retries as a text', { retries: '3' }, /"retries" is '3'/],
  [
    'a misspelt option of retries',
    { retries: { limt: 3 } },
    /in "retries".*Did you mean "limit"\?/,
  ],
  ['a bad limit', { retries: { limit: -1 } }, /in "retries": "limit" is -1/],
  ['a bad delay of retries', { retries: { limit: 1, delay: 'x' } }, /in "retries": "delay" is 'x'/],
  ['another backoff', { retries: { limit: 1, backoff: 'linear' } }, /'fixed' or 'exponential'/],
  ['too much jitter', { retries: { limit: 1, jitter: 2 } }, /"jitter" is 2.*from 0 to 1/],
  ['half a priority', { priority: 0.5 }, /"priority" is 0\.5.*whole number/],
  ['a priority that is no number', { priority: 'high' }, /"priority" is 'high'/],
  ['no options but a text', '10m', /takes an object of options, not '10m'/],
  ['null', null, /takes an object of options, not null/],
  ['a list', [], /takes an object of options, not \[\]/],
  ...BAD_DURATIONS.map((value): Case => [
    `a timeout of ${inspect(value)}`,
    { timeout: value },
    /"timeout" is .*"10s"/,
  ]),
  ...BAD_DURATIONS.map((value): Case => [
    `a delay of ${inspect(value)}`,
    { delay: value },
    /"delay" is .*"10s"/,
  ]),
];

describe('@Background() and background()', () => {
  it.each(BAD_JOB_OPTIONS)('refuse %s, and name the remedy', (_what, options, message) => {
    const decorate = (): unknown => {
      class Reports {
        @Background(wrong<BackgroundOptions>(options))
        async build(): Promise<void> {}
      }
      return Reports;
    };
    expect(decorate).toThrow(BackgroundOptionsError);
    expect(decorate).toThrow(message);
    expect(decorate).toThrow(/Reports\.build/);
    const call = (): unknown => background(() => 1, wrong<BackgroundOptions>(options));
    expect(call).toThrow(BackgroundOptionsError);
    expect(call).toThrow(message);
  });

  it.each([
    ['retries', 'limit', { retries: { delay: '1s' } }],
    ['concurrency', 'limit', { concurrency: { key: () => 'a' } }],
    ['unique', 'key', { unique: { for: '1m' } }],
  ])('refuse %s without its %s', (option, part, options) => {
    const call = (): unknown => background(() => 1, wrong<BackgroundOptions>(options))();
    expect(call).toThrow(BackgroundOptionsError);
    expect(call).toThrow(`{ ${option} } has no "${part}". Give it one`);
  });

  it('take an option that is undefined as not given', () => {
    expect(() => background(() => 1, { timeout: undefined, retries: undefined })).not.toThrow();
  });

  it('say in their error which option it was, and what it was given', () => {
    const refused = (): unknown => background(() => 1, { timeout: 'soon' });
    expect(refused).toThrow(expect.objectContaining({ option: 'timeout', value: 'soon' }));
    expect(refused).toThrow(BackgroundError);
  });
});

const BAD_MODULE_OPTIONS: Case[] = [
  ['a misspelt option', { concurency: 5 }, /no option "concurency".*Did you mean "concurrency"\?/],
  ['no concurrency', { concurrency: 0 }, /"concurrency" is 0.*1 or more/],
  ['half a slot', { concurrency: 1.5 }, /"concurrency" is 1\.5/],
  ['concurrency as a text', { concurrency: '5' }, /"concurrency" is '5'/],
  ['a negative limit', { queueLimit: -1 }, /"queueLimit" is -1/],
  ['a class for a tracker', { tracker: class {} }, /"tracker".*memoryTracker\(\)/],
  ['a tracker that lacks methods', { tracker: { open() {} } }, /"tracker".*memoryTracker\(\)/],
  ['the function for the engine', { engine: () => 1 }, /"engine".*localEngine\(\)/],
  ['a bad timeout', { timeout: 'x' }, /"timeout" is 'x'/],
  ['bad retries', { retries: { limit: 'x' } }, /in "retries": "limit"/],
  ['a misspelt retention', { retention: { complete: '1h' } }, /in "retention".*"completed"\?/],
  ['a bad retention', { retention: { failed: '-1h' } }, /in "retention": "failed" is '-1h'/],
  ['a bad count', { retention: { count: -1 } }, /in "retention": "count" is -1/],
  ['a retention without a name', { retention: '1h' }, /"retention" is '1h'.*object of options/],
  ['another console', { output: { console: 'on' } }, /in "output".*'tee' or 'capture' or 'off'/],
  ['no bytes', { output: { maxBytes: 0 } }, /in "output": "maxBytes" is 0/],
  ['a misspelt size', { output: { maxbytes: 10 } }, /Did you mean "maxBytes"\?/],
  ['an empty parameter', { http: { param: '' } }, /in "http": "param" is ''/],
  [
    'an owner that is no function',
    { http: { owner: 'me' } },
    /in "http": "owner" is 'me'.*function/,
  ],
  ['a bad grace', { shutdown: { grace: 'long' } }, /in "shutdown": "grace" is 'long'/],
  ['a clock that does not run', { clock: {} }, /"clock".*fakeClock\(\)/],
  ['null', null, /takes an object of options, not null/],
  ['a list', [], /takes an object of options/],
];

describe('BackgroundModule.forRoot()', () => {
  it.each(BAD_MODULE_OPTIONS)(
    'refuses %s, and names the remedy',
    async (_what, options, message) => {
      const call = (): unknown => BackgroundModule.forRoot(wrong<BackgroundModuleOptions>(options));
      expect(call).toThrow(BackgroundOptionsError);
      expect(call).toThrow(message);
      expect(call).toThrow(/BackgroundModule\.forRoot\(\)/);
    },
  );

  it('takes no options, and options that are undefined', () => {
    expect(() => BackgroundModule.forRoot()).not.toThrow();
    expect(() => BackgroundModule.forRoot({ retention: undefined, output: {} })).not.toThrow();
  });
});

describe('BackgroundModule.forRootAsync()', () => {
  const useFactory = (): object => ({});
  it.each([
    ['no way to the options', {}, /given 0 of useFactory, useClass and useExisting.*exactly one/],
    ['two ways', { useFactory, useExisting: 'X' }, /given 2 of/],
    ['nothing at all', undefined, /given 0 of/],
    ['a misspelt way', { useFactry: () => ({}) }, /Did you mean "useFactory"\?/],
    ['a factory that is none', { useFactory: {} }, /"useFactory" is {}.*a function/],
  ] as Case[])('refuses %s', (_what, options, message) => {
    const call = (): unknown =>
      BackgroundModule.forRootAsync(wrong<BackgroundModuleAsyncOptions>(options));
    expect(call).toThrow(BackgroundError);
    expect(call).toThrow(message);
  });
});

describe('What is called with a wrong argument', () => {
  class Reports {
    @Background()
    async build(): Promise<number> {
      return 1;
    }
  }

  it.each([undefined, null, 5, 'text', Symbol('s')])(
    'background(%p) says what it takes',
    (subject) => {
      const call = (): unknown => background(wrong<object>(subject));
      expect(call).toThrow(BackgroundError);
      expect(call).toThrow(/background\(\) was given .*Give it a function, or an instance/);
    },
  );

  it.each([undefined, null, 5, 'text', {}, Object.create(null)])(
    'perform(%p) says what it takes',
    async (fn) => {
      const { service } = await startJobs();
      const call = (): unknown => service.perform(wrong<() => void>(fn));
      expect(call).toThrow(BackgroundError);
      expect(call).toThrow(/perform\(\) was given .*Give it a function and its arguments/);
    },
  );

  it.each([
    ['a promise from elsewhere', () => Promise.resolve(1)],
    ['a promise derived from a job', () => new Reports().build().then((n) => n)],
    ['nothing', () => undefined],
    ['no promise', () => 1],
  ])('jobOf() of %s says what it takes', (_what, make) => {
    const call = (): unknown => jobOf(wrong<Promise<unknown>>(make()));
    expect(call).toThrow(BackgroundError);
    expect(call).toThrow(/jobOf\(\).*the very value that a @Background\(\) method returned/);
  });

  it('a decorated method without its instance says how to call it', () => {
    const { build } = new Reports();
    const call = (): unknown => build();
    expect(call).toThrow(BackgroundError);
    expect(call).toThrow(/build\(\).*without its instance.*instance\.build\(\)/);
  });

  it('background() of an instance that lacks the method is no function, as ever', () => {
    const view = background(new Reports()) as unknown as { nothing: () => void };
    expect(() => view.nothing()).toThrow(TypeError);
  });

  it.each([
    ['a state that is none', { state: 'x' }, /"state" is 'x'.*'scheduled' or 'queued'/],
    ['a misspelt filter', { sate: 'failed' }, /Did you mean "state"\?/],
    ['a negative limit', { limit: -1 }, /"limit" is -1/],
    ['an empty name', { name: '' }, /"name" is ''/],
    ['a name with a NUL', { name: '\0' }, /"name" is .*no NUL/],
    ['no id to begin before', { before: '2026-01-01' }, /"before" is .*the id of a job/],
    ['no id of a parent', { parentId: '\0' }, /"parentId" is .*the id of a job/],
    ['null', null, /object of options/],
  ] as Case[])('list() of %s says what it takes', async (_what, query, message) => {
    const { service } = await startJobs();
    await expect(service.list(wrong<JobQuery>(query))).rejects.toThrow(BackgroundOptionsError);
    await expect(service.list(wrong<JobQuery>(query))).rejects.toThrow(message);
  });

  it('output(), follow() and drain() check their options too', async () => {
    const app = await startJobs();
    const { id } = app.run(() => 1);
    await expect(app.service.output(id, { after: 1.5 })).rejects.toThrow(/"after" is 1\.5/);
    expect(() => app.service.follow(id, { after: NaN })).toThrow(/"after" is NaN/);
    await expect(app.service.drain({ timeout: 'x' })).rejects.toThrow(/"timeout" is 'x'/);
    await expect(app.service.drain(wrong({ timout: 1 }))).rejects.toThrow(/"timeout"\?/);
  });

  it.each(['output', 'wait'] as const)('%s() of an unknown id says so', async (method) => {
    const { service } = await startJobs();
    for (const id of ['unknown', '', wrong<string>(undefined), wrong<string>({})]) {
      await expect(service[method](id)).rejects.toThrow(/no job .*retention/);
    }
  });

  it('the other questions about an unknown id have an answer', async () => {
    const { service } = await startJobs();
    for (const id of ['unknown', '__proto__', wrong<string>(undefined)]) {
      expect(await service.find(id)).toBeUndefined();
      expect(await service.getProgress(id)).toBeNull();
      expect(await service.cancel(id)).toBe(false);
    }
  });
});
