import { afterEach, describe, expect, it } from '@jest/globals';
import { Controller, Get } from '@nestjs/common';
import { Backgrounder, print, setProgress, type Job } from '../../src/index.js';
import { Demo, DemoController } from '../support/demo.js';
import { idIn, pollToTheEnd, startAt } from '../support/http.js';
import { Tasks } from '../support/tasks.js';
import { closeApps, PLATFORMS, startApp, type TestApp } from '../support/test-app.js';
import { until } from '../support/until.js';

@Controller()
class Starts {
  constructor(private readonly tasks: Tasks) {}

  @Backgrounder()
  @Get('tasks')
  start(): void {
    void this.tasks.run();
  }
}

interface JsonPoll extends Job {
  done: boolean;
  output: string;
  next: number;
}

const DEMO = { controllers: [DemoController], providers: [Demo] };
const TASKS = { controllers: [Starts], providers: [Tasks] };
const HEAD = 'Started\nhit f5 to refresh!\n';
const JSON_PLEASE = { headers: { accept: 'application/json' } };

function allHeaders(response: Response): Record<string, string> {
  return Object.fromEntries(response.headers);
}

async function jsonAt(app: TestApp, location: string): Promise<JsonPoll> {
  return (await (await app.fetch(location, JSON_PLEASE)).json()) as JsonPoll;
}

/** The last answer to a job that ends so. */
async function polled(app: TestApp, end: () => unknown, init?: RequestInit): Promise<Response> {
  app.get(Tasks).end = end;
  app.get(Tasks).gate.open();
  const location = await startAt(app, '/tasks');
  return pollToTheEnd(app, location, init);
}

afterEach(closeApps);

describe.each(PLATFORMS)('A poll on %s', (platform) => {
  const demo = () => startApp({ ...DEMO, platform });
  const tasks = () => startApp({ ...TASKS, platform });

  it('shows the handler’s lines, then the job’s as they come, and the same twelve for ever after', async () => {
    await using app = await demo();
    const location = await startAt(app, '/demo');
    const poll = async (): Promise<string> => (await app.fetch(location)).text();
    expect(await poll()).toBe(HEAD);
    const { latches } = app.get(Demo);
    latches.slice(0, 3).forEach((latch) => latch.open());
    await until(async () => (await poll()) === `${HEAD}0\n1\n2\n`);
    latches.forEach((latch) => latch.open());
    const whole = await (await pollToTheEnd(app, location)).text();
    expect(whole).toBe(`${HEAD}0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n`);
    expect([await poll(), await poll()]).toEqual([whole, whole]);
  });

  it('neither runs the handler nor starts a job', async () => {
    await using app = await demo();
    const location = await startAt(app, '/demo');
    for (let poll = 0; poll < 5; poll++) await app.fetch(location);
    expect(app.get(DemoController).handled).toBe(1);
    expect(await app.service.list()).toHaveLength(1);
  });

  it('says what is safe to do with it, and when to come back', async () => {
    await using app = await demo();
    const location = await startAt(app, '/demo');
    await until(() => app.get(Demo).starts === 1);
    const running = await app.fetch(location);
    expect(running.status).toBe(200);
    expect(allHeaders(running)).toMatchObject({
      'content-type': 'text/plain; charset=utf-8',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'x-job-state': 'running',
      'retry-after': expect.stringMatching(/^[1-9]\d*$/),
    });
    app.get(Demo).latches.forEach((latch) => latch.open());
    const done = await pollToTheEnd(app, location);
    expect(done.headers.get('x-job-state')).toBe('completed');
    expect(done.headers.has('retry-after')).toBe(false);
  });

  it('is answered to HEAD with the same headers and no body', async () => {
    await using app = await demo();
    const location = await startAt(app, '/demo');
    const response = await app.fetch(location, { method: 'HEAD' });
    expect(response.status).toBe(200);
    expect(response.headers.get('x-job-state')).toMatch(/queued|running/);
    expect(response.headers.get('content-length')).toBe(String(HEAD.length));
    expect(await response.text()).toBe('');
  });

  it('gives markup and control characters back as they were printed, as plain text', async () => {
    await using app = await tasks();
    const text = '<script>alert(1)</script> ünï 🎉 \u001b[31mred\u0000\r\n';
    const response = await polled(app, () => print(text));
    expect(response.headers.get('content-type')).toBe('text/plain; charset=utf-8');
    expect(await response.text()).toBe(`task\n${text}\n`);
  });

  it.each([
    ['completed', () => 'fine'],
    [
      'failed',
      () => {
        throw new Error('boom');
      },
    ],
  ])('tells by text and by JSON that a job is %s', async (state, end) => {
    await using app = await tasks();
    const text = await polled(app, end);
    expect(text.headers.get('x-job-state')).toBe(state);
    expect(text.headers.has('retry-after')).toBe(false);
    const json = await polled(app, end, JSON_PLEASE);
    expect(json.headers.get('x-job-state')).toBe(state);
    expect(json.headers.has('retry-after')).toBe(false);
    expect(await json.json()).toMatchObject({ state, done: true });
  });

  it('tells that a job was cancelled', async () => {
    await using app = await demo();
    const location = await startAt(app, '/demo');
    await app.service.cancel(idIn(location), 'enough');
    const response = await pollToTheEnd(app, location, JSON_PLEASE);
    expect(await response.json()).toMatchObject({ state: 'cancelled', done: true });
  });

  it('gives the whole job as JSON: state, times, progress, output, result', async () => {
    await using app = await tasks();
    const location = await startAt(app, '/tasks');
    await until(() => app.get(Tasks).runs.length === 1);
    expect(await jsonAt(app, location)).toEqual({
      ...{ id: idIn(location), name: 'Tasks.run', state: 'running', attempt: 1, progress: null },
      ...{ createdAt: anyTime(), startedAt: anyTime(), finishedAt: null },
      ...{ done: false, output: 'task\n', next: 1 },
    });
    const response = await polled(
      app,
      () => {
        setProgress(50, { of: 'it' });
        return { rows: [1, 2] };
      },
      JSON_PLEASE,
    );
    expect(await response.json()).toMatchObject({
      ...{ state: 'completed', done: true, finishedAt: anyTime(), result: { rows: [1, 2] } },
      ...{ progress: { value: 50, data: { of: 'it' } } },
    });
  });

  it('goes on from where the last one ended, with _after', async () => {
    await using app = await demo();
    const location = await startAt(app, '/demo');
    const first = await jsonAt(app, location);
    expect(first.output).toBe(HEAD);
    const { latches } = app.get(Demo);
    latches.slice(0, 2).forEach((latch) => latch.open());
    await until(async () => (await jsonAt(app, location)).next === first.next + 2);
    expect(await jsonAt(app, `${location}&_after=${first.next}`)).toMatchObject({
      output: '0\n1\n',
      next: first.next + 2,
    });
    expect((await jsonAt(app, `${location}&_after=${first.next + 2}`)).output).toBe('');
    const text = await app.fetch(`${location}&_after=${first.next + 1}`);
    expect(await text.text()).toBe('1\n');
  });

  it.each(['', 'x', '-1', '1.5', 'Infinity', '1e400', '[]', '%E0%A4%A'])(
    'gives all output for an _after that is no number of a line: "%s"',
    async (after) => {
      await using app = await demo();
      const location = await startAt(app, '/demo');
      const response = await app.fetch(`${location}&_after=${after}`);
      expect([response.status, await response.text()]).toEqual([200, HEAD]);
    },
  );

  it('tells the name and message of an error, and never a stack', async () => {
    await using app = await tasks();
    const response = await polled(
      app,
      () => {
        throw new TypeError('no such report');
      },
      JSON_PLEASE,
    );
    const body = await response.text();
    expect((JSON.parse(body) as Job).error).toEqual({
      name: 'TypeError',
      message: 'no such report',
    });
    expect(body).not.toMatch(/stack|\.spec\.ts|node_modules/);
  });

  it.each([
    ['a string', 'str'],
    ['undefined', undefined],
    ['null', null],
    ['an object', { a: 1n }],
  ])('survives a job that throws %s', async (_what, thrown) => {
    await using app = await tasks();
    const response = await polled(app, () => Promise.reject(thrown), JSON_PLEASE);
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ state: 'failed', done: true });
  });
});

describe.each(PLATFORMS)(
  'A result that JSON cannot carry never breaks a poll on %s',
  (platform) => {
    const circle: Record<string, unknown> = { name: 'circle' };
    circle.itself = circle;
    const refuses = {
      toJSON() {
        throw new Error('no JSON of me');
      },
    };
    const getter = {
      get trap(): never {
        throw new Error('a getter that throws');
      },
    };

    it.each<[string, unknown]>([
      ['a BigInt', 12345678901234567890n],
      ['BigInts within', { ids: [1n, 2n] }],
      ['a circle', circle],
      ['an object that refuses toJSON', refuses],
      ['an object whose getter throws', getter],
      ['NaN', NaN],
      ['a function', () => 1],
      ['a symbol', Symbol('s')],
      ['a map', new Map([[1, circle]])],
      ['an invalid date', new Date(NaN)],
      ['a proxy that was revoked', revoked()],
      ['undefined', undefined],
    ])('%s', async (_what, result) => {
      await using app = await startApp({ ...TASKS, platform });
      const json = await polled(app, () => [result][0], JSON_PLEASE);
      expect(json.status).toBe(200);
      expect(await json.json()).toMatchObject({ state: 'completed', done: true, output: 'task\n' });
    });
  },
);

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return { proxy };
}

function anyTime(): unknown {
  return expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
}
