import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { print, type BackgroundModuleOptions } from '../../src/index.js';
import { startJobs, type JobsApp } from '../support/any-job.js';
import { Latch } from '../support/latch.js';
import { closeApps } from '../support/test-app.js';

type ConsoleMethod = 'log' | 'info' | 'warn' | 'error' | 'debug' | 'table' | 'group' | 'dir';
type Mode = NonNullable<BackgroundModuleOptions['output']>['console'];

const original = { ...console };
const METHODS = Object.keys(console) as ConsoleMethod[];
/** What reaches the console itself. */
let seen: string[] = [];

beforeEach(() => {
  seen = [];
  for (const method of [
    'log',
    'info',
    'warn',
    'error',
    'debug',
    'table',
    'group',
    'dir',
  ] as const) {
    jest.spyOn(console, method).mockImplementation((...values: unknown[]) => {
      seen.push(`${method}: ${values.join(' ')}`);
    });
  }
});
afterEach(async () => {
  await closeApps();
  jest.restoreAllMocks();
});

const start = (mode?: Mode): Promise<JobsApp> =>
  startJobs(mode ? { output: { console: mode } } : undefined);

/** What the job has of what it wrote. */
async function outputOf(app: JobsApp, work: () => unknown): Promise<string> {
  const job = app.run(work);
  await job;
  return app.service.output(job.id);
}

describe('What a job writes to the console', () => {
  it('goes to the job and the console, if nothing else is said', async () => {
    expect(await outputOf(await start(), () => console.log('a', 1))).toBe('a 1\n');
    expect(seen).toEqual(['log: a 1']);
  });

  it('goes to the job alone where it is captured', async () => {
    expect(await outputOf(await start('capture'), () => console.log('a'))).toBe('a\n');
    expect(seen).toEqual([]);
  });

  it('goes to the console from what it has left behind, when it is over', async () => {
    const app = await start('capture');
    const latch = new Latch();
    let left!: Promise<void>;
    await app.run(() => void (left = latch.opened.then(() => console.log('later'))));
    latch.open();
    await left;
    expect(seen).toEqual(['log: later']);
  });

  it('goes to the console alone where capture is off, and print to the job all the same', async () => {
    const { log } = console;
    const app = await start('off');
    expect(console.log).toBe(log);
    const output = await outputOf(app, () => {
      console.log('a');
      print('b');
    });
    expect(output).toBe('b\n');
    expect(seen).toEqual(['log: a']);
  });

  it('is what print is not: print goes to the job alone', async () => {
    expect(await outputOf(await start(), () => print('a'))).toBe('a\n');
    expect(seen).toEqual([]);
  });

  it('is formatted as the console does', async () => {
    const output = await outputOf(await start('capture'), () => {
      console.log('%s is %d', 'a', 1, { b: [2] });
      console.log();
      console.log('two\nlines');
      print('%s is %d', 'a', 1, { b: [2] });
      print();
    });
    expect(output).toBe('a is 1 { b: [ 2 ] }\n\ntwo\nlines\na is 1 { b: [ 2 ] }\n\n');
  });

  it('is known as output or as error', async () => {
    const app = await start('capture');
    const job = app.run(() => {
      console.log('log');
      console.info('info');
      console.debug('debug');
      console.warn('warn');
      console.error('error');
    });
    await job;
    const streams: string[] = [];
    job.follow().subscribe((event) => {
      if (event.type === 'output') streams.push(`${event.stream}: ${event.text.trim()}`);
    });
    await app.service.wait(job.id);
    await new Promise((resolve) => setImmediate(resolve));
    expect(streams).toEqual([
      ...['stdout: log', 'stdout: info', 'stdout: debug', 'stderr: warn', 'stderr: error'],
    ]);
  });

  it('may be a table, a deep object, an assertion, a count, a trace', async () => {
    const output = await outputOf(await start('capture'), () => {
      console.table([{ a: 1 }]);
      console.dir({ a: { b: { c: { d: 1 } } } }, { depth: 0 });
      console.assert(false, 'not so');
      console.assert(true, 'unseen');
      console.count('n');
      console.count('n');
      console.trace('here');
    });
    expect(output).toContain('│ 0       │ 1 │\n');
    expect(output).toContain('{ a: [Object] }\n');
    expect(output).toContain('Assertion failed: not so\n');
    expect(output).not.toContain('unseen');
    expect(output).toContain('n: 1\nn: 2\n');
    expect(output).toMatch(/Trace: here\n\s+at /);
  });

  it('is indented by its own groups, not by those of a job beside it', async () => {
    const app = await start('capture');
    const turns = [new Latch(), new Latch()];
    const first = app.run(async () => {
      console.group('first');
      turns[0]!.open();
      await turns[1]!.opened;
      console.log('in first');
      console.groupEnd();
      console.log('after first');
    });
    const second = app.run(async () => {
      await turns[0]!.opened;
      console.log('in second');
      console.group('second');
      console.error('deeper');
      turns[1]!.open();
    });
    await Promise.all([first, second]);
    expect(await app.service.output(first.id)).toBe('first\n  in first\nafter first\n');
    expect(await app.service.output(second.id)).toBe('in second\nsecond\n  deeper\n');
    const third = await outputOf(app, () => console.log('not indented'));
    expect(third).toBe('not indented\n');
  });

  it('keeps its counters and timers apart from those of a job beside it', async () => {
    const app = await start('capture');
    const count = (): void => console.count('n');
    const outputs = [await outputOf(app, count), await outputOf(app, count)];
    expect(outputs).toEqual(['n: 1\n', 'n: 1\n']);
  });

  it('goes to the job from a function that was taken off the console', async () => {
    const app = await start('capture');
    const { log } = console;
    expect(await outputOf(app, () => ['a', 'b'].forEach((text) => log(text)))).toBe('a\nb\n');
  });

  it('does not harm the job, whatever it is', async () => {
    const hostile = {
      get [Symbol.toStringTag](): string {
        throw new Error('do not print me');
      },
    };
    const app = await start('capture');
    const job = app.run(() => console.log('%o', new Proxy({}, {}), Symbol('s'), 10n, null));
    await job;
    expect(await app.service.output(job.id)).toContain('Symbol(s) 10n null');
    await outputOf(app, () => {
      try {
        console.log(hostile);
      } catch {
        // As outside a job.
      }
    });
  });
});

describe('The console', () => {
  it('is as ever outside a job', async () => {
    const app = await start('capture');
    console.log('outside', 1);
    await app.run(() => console.log('inside'));
    console.error('outside again');
    print('printed outside');
    expect(seen).toEqual(['log: outside 1', 'error: outside again', 'log: printed outside']);
  });

  it('has the very same functions again when the application is closed', async () => {
    jest.restoreAllMocks();
    const app = await start();
    expect(console.log).not.toBe(original.log);
    await app.app.close();
    for (const method of METHODS) expect(console[method]).toBe(original[method]);
  });

  it('is captured until the last of several applications is closed', async () => {
    jest.restoreAllMocks();
    const first = await start('capture');
    const second = await start('capture');
    await first.app.close();
    expect(await outputOf(second, () => console.log('a'))).toBe('a\n');
    await second.app.close();
    expect(console.log).toBe(original.log);
  });

  it('serves several applications, each in its own way', async () => {
    const capture = await start('capture');
    const off = await start('off');
    const tee = await start('tee');
    const write = (text: string) => () => console.log(text);
    expect(await outputOf(capture, write('captured'))).toBe('captured\n');
    expect(await outputOf(off, write('off'))).toBe('');
    expect(await outputOf(tee, write('both'))).toBe('both\n');
    expect(seen).toEqual(['log: off', 'log: both']);
  });

  it('keeps what somebody else has put around it meanwhile', async () => {
    const app = await start('capture');
    const captured = console.log;
    const wrapped: unknown[] = [];
    const wrapper = (...values: unknown[]): void => {
      wrapped.push(...values);
      captured(...values);
    };
    console.log = wrapper;
    await app.app.close();
    expect(console.log).toBe(wrapper);
    console.log('outside');
    expect([wrapped, seen]).toEqual([['outside'], ['log: outside']]);
    const next = await start('capture');
    expect(await outputOf(next, () => console.log('once'))).toBe('once\n');
    await next.app.close();
    expect(console.log).toBe(wrapper);
  });
});
