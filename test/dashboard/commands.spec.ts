import { describe, expect, it } from '@jest/globals';
import { memoryTracker, type Job } from '../../src/index.js';
import { startDashboard } from '../support/dashboard.js';
import { locationOf } from '../support/http.js';
import { failOnLeaks } from '../support/leaks.js';
import { Tasks } from '../support/tasks.js';
import {
  PLATFORMS,
  type Platform,
  type TestApp,
  type TestAppOptions,
} from '../support/test-app.js';
import { until } from '../support/until.js';

function start(platform: Platform, options: TestAppOptions = {}): Promise<TestApp> {
  return startDashboard({ controllers: [], providers: [Tasks], platform, ...options });
}

/** A job that runs, waiting at the gate. */
async function running(app: TestApp): Promise<string> {
  void app.get(Tasks).run();
  await until(async () => (await app.service.counts()).running > 0);
  return (await app.service.list())[0]!.id;
}

async function failed(app: TestApp): Promise<string> {
  const tasks = app.get(Tasks);
  tasks.end = () => Promise.reject(new Error('not today'));
  tasks.gate.open();
  await tasks.run().catch(() => {});
  tasks.end = () => 'today';
  return (await app.service.list())[0]!.id;
}

async function post(app: TestApp, path: string, headers: object = {}): Promise<Response> {
  const form = { 'content-type': 'application/x-www-form-urlencoded' };
  return app.fetch(path, { method: 'POST', headers: { ...form, ...headers }, body: '' });
}

async function stateOf(app: TestApp, id: string): Promise<string | undefined> {
  return (await app.service.find(id))?.state;
}

failOnLeaks();

describe.each(PLATFORMS)('What the dashboard can do about a job on %s', (platform) => {
  it('is to cancel it, which leads back to where the button was', async () => {
    for (const page of ['/jobs?state=running', '/jobs']) {
      await using app = await start(platform);
      const id = await running(app);
      const sign = page.includes('?') ? '&' : '?';
      const table = await (await app.fetch(`${page}${sign}_as=html`)).text();
      const action = `${page}${sign}_cancel=${id}`;
      expect(table).toContain(`<form method="post" action="${action.replaceAll('&', '&amp;')}">`);
      const answer = await post(app, action, { 'sec-fetch-site': 'same-origin' });
      expect([answer.status, locationOf(answer)]).toEqual([303, page]);
      expect(await stateOf(app, id)).toBe('cancelled');
    }
  });

  it('is to cancel it on its own page', async () => {
    await using app = await start(platform);
    const id = await running(app);
    const location = `/jobs?state=running&_t=${id}`;
    const page = await (await app.fetch(`${location}&_as=html&_follow=0`)).text();
    expect(page).toContain(`action="/jobs?state=running&amp;_t=${id}&amp;_cancel=1"`);
    expect(page).toContain('<meta name="referrer" content="same-origin">');
    const answer = await post(app, `${location}&_cancel=1`);
    expect([answer.status, locationOf(answer)]).toEqual([303, location]);
    expect(await stateOf(app, id)).toBe('cancelled');
  });

  it('is to run it again, from the table and from its page', async () => {
    await using app = await start(platform);
    const id = await failed(app);
    const table = await (await app.fetch('/jobs?_as=html')).text();
    expect(table).toContain(`action="/jobs?_retry=${id}" class="calm"`);
    const page = await (await app.fetch(`/jobs?_t=${id}&_as=html`)).text();
    expect(page).toContain(`action="/jobs?_t=${id}&amp;_retry=1"><button>Run it again</button>`);
    const answer = await post(app, `/jobs?_t=${id}&_retry=1`);
    expect([answer.status, locationOf(answer)]).toEqual([303, `/jobs?_t=${id}`]);
    expect(await app.service.wait(id)).toBe('today');
    expect(await app.service.find(id)).toMatchObject({ state: 'completed', attempt: 2 });
  });

  it('is answered with the job where a program asks', async () => {
    await using app = await start(platform);
    const id = await running(app);
    const accept = { accept: 'application/json' };
    const answer = await post(app, `/jobs?state=running&_cancel=${id}`, accept);
    expect([answer.status, locationOf(answer)]).toEqual([200, `/jobs?state=running&_t=${id}`]);
    expect((await answer.json()) as Job).toMatchObject({ id, state: 'cancelled', done: true });
    const again = await post(app, `/jobs?_retry=${id}`, accept);
    expect(again.status).toBe(202);
  });

  it('is done already where a second click comes too late', async () => {
    await using app = await start(platform);
    const id = await failed(app);
    for (const command of ['_cancel', '_retry', '_retry']) {
      expect((await post(app, `/jobs?${command}=${id}`)).status).toBe(303);
      await until(async () => (await app.service.counts()).running === 0);
    }
    expect(app.get(Tasks).runs.length).toBe(2);
  });

  it.each([
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
    { 'sec-fetch-site': 'none' },
    { origin: 'https://evil.example' },
    { origin: 'null' },
  ])('is refused to other sites: %j', async (headers) => {
    await using app = await start(platform);
    const id = await running(app);
    for (const query of [`_cancel=${id}`, `_t=${id}&_cancel=1`, `_retry=${id}`]) {
      const answer = await post(app, `/jobs?${query}`, headers);
      expect(answer.status).toBe(403);
      expect(answer.headers.get('cache-control')).toBe('no-store');
    }
    expect(await stateOf(app, id)).toBe('running');
  });

  it.each(['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS', 'PATCH'])(
    'is not done by %s',
    async (method) => {
      await using app = await start(platform);
      const id = await running(app);
      for (const query of [`_cancel=${id}`, `_t=${id}&_cancel=1`, `_t=${id}&_retry=1`]) {
        await (await app.fetch(`/jobs?${query}`, { method })).text();
      }
      expect(await stateOf(app, id)).toBe('running');
    },
  );

  it('is a 404 for an id that is none, and for nothing that is asked', async () => {
    await using app = await start(platform);
    const id = await running(app);
    const unknown = '019a0000-0000-7000-8000-000000000000';
    const queries = [
      '',
      '?_cancel',
      '?_cancel=x',
      `?_retry=${unknown}`,
      `?_t=${unknown}&_cancel=1`,
    ];
    for (const query of [...queries, `?_t=${id}`, `?_t=${id}&_t=${id}&_cancel=1`]) {
      const answer = await post(app, `/jobs${query}`);
      expect([query, answer.status]).toEqual([query, 404]);
    }
    expect(await stateOf(app, id)).toBe('running');
  });

  it('is a 409 that says why, where nothing is kept of the call', async () => {
    const tracker = memoryTracker();
    await using app = await start(platform, { background: { tracker } });
    const id = '019a0000-0000-7000-8000-000000000000';
    const of = { origin: undefined, parentId: undefined, result: undefined, progress: null };
    const error = { name: 'Error', message: 'elsewhere' };
    const times = { createdAt: Date.now(), startedAt: undefined, finishedAt: Date.now() };
    const record = { id, name: 'Elsewhere.run', state: 'failed', attempt: 1 } as const;
    await tracker.create({ ...of, ...times, ...record, error });
    const answer = await post(app, `/jobs?_retry=${id}`);
    expect(answer.status).toBe(409);
    expect(await answer.json()).toMatchObject({ message: /nothing is kept of its call/ });
  });

  it('is a 503 where the queue is full', async () => {
    const background = { concurrency: 1, queueLimit: 0 };
    await using app = await start(platform, { background });
    const id = await failed(app);
    Object.assign(app.get(Tasks), { gate: { opened: new Promise(() => {}) } });
    await running(app);
    const answer = await post(app, `/jobs?_retry=${id}`);
    expect(answer.status).toBe(503);
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await stateOf(app, id)).toBe('failed');
  });
});
