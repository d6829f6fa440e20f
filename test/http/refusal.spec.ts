import { afterEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, Post } from '@nestjs/common';
import { Background, Backgrounder } from '../../src/index.js';
import { fakeClock } from '../../src/testing/index.js';
import { pollToTheEnd, startAt } from '../support/http.js';
import { Tasks } from '../support/tasks.js';
import { closeApps, PLATFORMS, startApp } from '../support/test-app.js';
import { until } from '../support/until.js';

@Controller()
class Starts {
  constructor(private readonly tasks: Tasks) {}

  @Backgrounder()
  @Get('calls')
  calls(): void {
    void this.tasks.run();
  }

  @Backgrounder()
  @Post('awaits')
  async awaits(): Promise<void> {
    await this.tasks.run();
  }

  @Background()
  @Get('job')
  async job(): Promise<void> {}

  @Get('plain')
  async plain(): Promise<string> {
    await this.tasks.run();
    return 'done';
  }
}

const STARTS = { controllers: [Starts], providers: [Tasks] };
const KINDS: [string, string][] = [
  ['GET', '/calls'],
  ['POST', '/awaits'],
  ['GET', '/job'],
];

afterEach(closeApps);

describe.each(PLATFORMS)('A full queue on %s', (platform) => {
  const full = () =>
    startApp({ ...STARTS, platform, background: { concurrency: 1, queueLimit: 2 } });

  it.each(KINDS)(
    'refuses the fourth job with 503, and the others finish: %s %s',
    async (method, path) => {
      await using app = await full();
      const locations = [await startAt(app, '/calls')];
      await until(() => app.get(Tasks).runs.length === 1);
      locations.push(await startAt(app, '/calls'), await startAt(app, '/calls'));
      for (const accept of ['text/html', 'application/json']) {
        const refused = await app.fetch(path, { method, headers: { accept } });
        expect(refused.status).toBe(503);
        expect(refused.headers.get('retry-after')).toMatch(/^[1-9]\d*$/);
        expect(refused.headers.get('cache-control')).toBe('no-store');
        expect(refused.headers.has('location')).toBe(false);
        expect(await refused.text()).not.toMatch(/stack|\.ts|queueLimit/);
      }
      expect(await app.service.list()).toHaveLength(3);
      app.get(Tasks).gate.open();
      for (const location of locations) {
        expect((await pollToTheEnd(app, location)).headers.get('x-job-state')).toBe('completed');
      }
      expect((await app.fetch(path, { method })).status).toBe(303);
      expect(app.log.containing('error', '')).toEqual([]);
    },
  );

  it('is 503 too where a handler without @Backgrounder() awaits its job', async () => {
    await using app = await full();
    for (let n = 0; n < 3; n++) await startAt(app, '/calls');
    const refused = await app.fetch('/plain');
    expect(refused.status).toBe(503);
    expect(await refused.text()).not.toMatch(/stack|\.ts/);
  });
});

describe.each(PLATFORMS)('An application that shuts down on %s', (platform) => {
  it.each(KINDS)(
    'refuses jobs with 503, and still shows those that run: %s %s',
    async (method, path) => {
      const clock = fakeClock();
      const background = { clock, shutdown: { grace: '10s' } };
      const app = await startApp({ ...STARTS, platform, background });
      const location = await startAt(app, '/calls');
      await until(() => app.get(Tasks).runs.length === 1);
      const closing = app[Symbol.asyncDispose]();
      try {
        // Refusals begin when the hooks run, a moment after close() is called.
        await until(async () => (await app.fetch(path, { method })).status === 503);
        const refused = await app.fetch(path, { method });
        expect(refused.headers.get('cache-control')).toBe('no-store');
        expect(refused.headers.has('location')).toBe(false);
        const poll = await app.fetch(location);
        expect([poll.status, poll.headers.get('x-job-state')]).toEqual([200, 'running']);
      } finally {
        app.get(Tasks).gate.open();
        await closing;
      }
    },
  );
});
