import { afterEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, Inject, Injectable } from '@nestjs/common';
import {
  background,
  Background,
  Backgrounder,
  memoryTracker,
  print,
  type BackgroundModuleOptions,
  type JobTracker,
} from '../../src/index.js';
import { fakeClock } from '../../src/testing/index.js';
import { maskIds, locationOf, pollToTheEnd, startAt } from '../support/http.js';
import { Latch } from '../support/latch.js';
import { Tasks } from '../support/tasks.js';
import { closeApps, PLATFORMS, startApp } from '../support/test-app.js';
import { until } from '../support/until.js';

@Injectable()
class Quick {
  runs = 0;

  @Background()
  async run(): Promise<string> {
    this.runs += 1;
    return 'over at once';
  }
}

@Controller()
class Starts {
  readonly slow = new Latch();

  constructor(
    private readonly tasks: Tasks,
    @Inject(Quick) private readonly quick: Quick,
  ) {}

  @Backgrounder()
  @Get('call')
  call(): void {
    void this.tasks.run();
  }

  @Backgrounder()
  @Get('function')
  function(): void {
    const words = background(async (word: string) => print(word));
    void words('from a function');
  }

  @Backgrounder()
  @Get('delayed')
  delayed(): void {
    void background(this.tasks, { delay: '5m' }).run('delayed');
  }

  @Backgrounder()
  @Get('slow')
  async slowly(): Promise<void> {
    void this.quick.run();
    await this.slow.opened;
  }

  @Get('alive')
  alive(): string {
    return 'yes';
  }
}

const STARTS = { controllers: [Starts], providers: [Tasks, Quick] };

/** Stores a job when the test lets it. */
function trackerThatCreates(create: () => Promise<void>): JobTracker {
  const tracker = memoryTracker();
  const store = tracker.create.bind(tracker);
  tracker.create = async (record) => {
    await create();
    await store(record);
  };
  return tracker;
}

afterEach(closeApps);

describe.each(PLATFORMS)('A start on %s', (platform) => {
  const start = (background?: BackgroundModuleOptions) =>
    startApp({ ...STARTS, platform, background });

  it('is answered once the job is stored, not before', async () => {
    const stored = new Latch();
    await using app = await start({ tracker: trackerThatCreates(() => stored.opened) });
    let answered = false;
    const starting = app.fetch('/call').finally(() => (answered = true));
    for (let n = 0; n < 3; n++) await app.fetch('/alive');
    expect(answered).toBe(false);
    expect(app.get(Tasks).runs).toEqual([]);
    stored.open();
    expect((await app.fetch(locationOf(await starting))).status).toBe(200);
  });

  it('that cannot be stored is an error of the server, which the log tells and the client is not told', async () => {
    const tracker = trackerThatCreates(() => Promise.reject(new Error('the disk is full')));
    await using app = await start({ tracker });
    const response = await app.fetch('/call');
    expect(response.status).toBe(500);
    expect(response.headers.has('location')).toBe(false);
    expect(await response.text()).not.toContain('disk');
    expect(app.log.containing('error', 'the disk is full')).toHaveLength(1);
    expect(app.get(Tasks).runs).toEqual([]);
  });

  it('is a start whichever way the job is called: a function', async () => {
    await using app = await start();
    const done = await pollToTheEnd(app, await startAt(app, '/function'));
    expect(await done.text()).toBe('from a function\n');
  });

  it('of a delayed job redirects at once, and the job waits for its time', async () => {
    const clock = fakeClock();
    await using app = await start({ clock });
    app.get(Tasks).gate.open();
    const location = await startAt(app, '/delayed');
    const early = await app.fetch(location);
    expect(early.headers.get('x-job-state')).toBe('scheduled');
    expect(early.headers.has('retry-after')).toBe(true);
    expect(await early.text()).toBe('');
    await clock.advance(5 * 60_000);
    expect(await (await pollToTheEnd(app, location)).text()).toBe('delayed\n');
  });

  it.each(['*/*', 'application/json'])(
    'is answered where the job is over and forgotten by then, for Accept: %s',
    async (accept) => {
      await using app = await start({ retention: { count: 0 } });
      const starting = app.fetch('/slow', { headers: { accept } });
      await until(() => app.get(Quick).runs === 1);
      await until(async () => (await app.service.list()).length === 0);
      app.get(Starts).slow.open();
      const response = await starting;
      expect(response.status).toBe(303);
      expect(maskIds(locationOf(response))).toBe('/slow?_t=<id>');
      expect((await app.fetch(locationOf(response))).status).toBe(404);
    },
  );

  it('by a client that has left goes on, and nothing breaks', async () => {
    const stored = new Latch();
    const asked = new Latch();
    const tracker = trackerThatCreates(() => {
      asked.open();
      return stored.opened;
    });
    await using app = await start({ tracker });
    const leaving = new AbortController();
    const starting = app.fetch('/call', { signal: leaving.signal });
    await asked.opened;
    leaving.abort();
    await expect(starting).rejects.toThrow();
    stored.open();
    await until(() => app.get(Tasks).runs.length === 1);
    expect(await (await app.fetch('/alive')).text()).toBe('yes');
    expect(app.log.containing('error', '')).toEqual([]);
  });
});
