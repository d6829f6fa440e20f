import { afterEach, describe, expect, it } from '@jest/globals';
import { Controller, Get } from '@nestjs/common';
import { Backgrounder, BackgroundService, jobOf, type Job } from '../../src/index.js';
import { Demo, DemoController } from '../support/demo.js';
import { idIn, locationOf, pollToTheEnd } from '../support/http.js';
import { closeApps, PLATFORMS, startApp } from '../support/test-app.js';
import { until } from '../support/until.js';

const DEMO = { controllers: [DemoController], providers: [Demo] };
const BROWSER = 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8';
const AXIOS = 'application/json, text/plain, */*';

/** Does not wait for its job, but returns after it. */
@Controller()
class Patient {
  constructor(
    private readonly demo: Demo,
    private readonly service: BackgroundService,
  ) {}

  @Backgrounder()
  @Get('patient')
  async start(): Promise<void> {
    const { id } = jobOf(this.demo.longRunning());
    await until(async () => (await this.service.find(id))?.state === 'completed', 'its end');
  }
}

afterEach(closeApps);

describe.each(PLATFORMS)('The answer to a start on %s', (platform) => {
  it.each([
    undefined,
    '*/*',
    BROWSER,
    'text/html',
    'text/plain',
    'image/png',
    'text/*',
    ';;nonsense',
  ])('is a redirect for Accept: %s', async (accept) => {
    await using app = await startApp({ ...DEMO, platform });
    const response = await app.fetch('/demo', { headers: accept ? { accept } : {} });
    expect(response.status).toBe(303);
    expect(response.headers.get('content-type')).toBe('text/plain; charset=utf-8');
    expect(await response.text()).toContain(locationOf(response));
  });

  it.each([
    'application/json',
    AXIOS,
    'application/json;q=0.9, text/plain;q=0.5',
    'application/*',
    'application/json; charset=utf-8',
    'text/plain;q=0.5, application/json;v="1, 2";q=0.9',
  ])('is 202 and the job as JSON for Accept: %s', async (accept) => {
    await using app = await startApp({ ...DEMO, platform });
    const response = await app.fetch('/demo', { headers: { accept } });
    expect(response.status).toBe(202);
    expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect(response.headers.get('retry-after')).toMatch(/^[1-9]\d*$/);
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(response.headers.has('preference-applied')).toBe(false);
    const job = (await response.json()) as Job;
    expect(job).toMatchObject({ id: idIn(locationOf(response)), name: 'Demo.longRunning' });
    expect(job).not.toHaveProperty('origin');
  });

  it.each([
    'respond-async',
    'return=minimal, respond-async',
    'respond-async, wait=0',
    'Respond-Async',
  ])('is 202 and says so for Prefer: %s, whatever else is accepted', async (prefer) => {
    await using app = await startApp({ ...DEMO, platform });
    const response = await app.fetch('/demo', { headers: { prefer, accept: BROWSER } });
    expect(response.status).toBe(202);
    expect(response.headers.get('preference-applied')).toBe('respond-async');
    expect(response.headers.has('retry-after')).toBe(true);
    expect(((await response.json()) as Job).id).toBe(idIn(locationOf(response)));
  });

  it.each(['return=minimal', 'respond-asynchronously', 'handling=lenient'])(
    'is a redirect where Prefer asks for something else: %s',
    async (prefer) => {
      await using app = await startApp({ ...DEMO, platform });
      expect((await app.fetch('/demo', { headers: { prefer } })).status).toBe(303);
    },
  );
});

describe.each(PLATFORMS)('The answer to a client that does not wait, on %s', (platform) => {
  it('is 202 where the job is over already', async () => {
    await using app = await startApp({ ...DEMO, platform, controllers: [Patient] });
    app.get(Demo).latches.forEach((latch) => latch.open());
    const response = await app.fetch('/patient', { headers: { accept: 'application/json' } });
    expect(response.status).toBe(202);
    expect(response.headers.get('x-job-state')).toBe('completed');
    expect(response.headers.get('retry-after')).toMatch(/^[1-9]$/);
    expect(await response.json()).toMatchObject({ state: 'completed', done: true });
  });
});

describe.each(PLATFORMS)('The answer to a poll on %s', (platform) => {
  it.each([
    [undefined, 'text/plain'],
    ['*/*', 'text/plain'],
    ['text/plain', 'text/plain'],
    ['image/png', 'text/plain'],
    [AXIOS, 'application/json'],
    ['application/json', 'application/json'],
    ['application/json; charset=utf-8, */*;q=0.1', 'application/json'],
    ['text/html;q=0.1, application/json;v=1', 'application/json'],
    ['application/json;v=1;q=0, */*', 'text/plain'],
  ])('is for Accept: %s of type %s', async (accept, type) => {
    await using app = await startApp({ ...DEMO, platform });
    app.get(Demo).latches.forEach((latch) => latch.open());
    const location = locationOf(await app.fetch('/demo'));
    const response = await pollToTheEnd(app, location, { headers: accept ? { accept } : {} });
    expect(response.headers.get('content-type')).toBe(`${type}; charset=utf-8`);
  });
});
