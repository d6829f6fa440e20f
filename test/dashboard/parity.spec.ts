import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startDashboard } from '../support/dashboard.js';
import { maskIds, startAt } from '../support/http.js';
import type { TestApp } from '../support/test-app.js';
import { until } from '../support/until.js';

const UNKNOWN = '019a0000-0000-7000-8000-000000000000';

type Asked = [method: string, path: string | ((id: string) => string), headers?: object];

const REQUESTS: Record<string, Asked> = {
  'the table': ['GET', '/jobs'],
  'the table as a page': ['GET', '/jobs', { accept: 'text/html' }],
  'the table in no known form': ['GET', '/jobs', { accept: 'image/png' }],
  'a part of the table': ['GET', '/jobs?state=scheduled&limit=1', { accept: 'text/html' }],
  'an empty part of it': ['GET', '/jobs?name=x', { accept: 'text/html' }],
  'a HEAD of the table': ['HEAD', '/jobs', { accept: 'text/html' }],
  'a state that is none': ['GET', '/jobs?state=x'],
  'a job': ['GET', (id) => `/jobs?_t=${id}`],
  'a job as JSON': ['GET', (id) => `/jobs?_t=${id}&_as=json`],
  'a job as a page that stands still': ['GET', (id) => `/jobs?_t=${id}&_as=html&_follow=0`],
  'a HEAD of a job': ['HEAD', (id) => `/jobs?_t=${id}&_as=html`],
  'a bad id': ['GET', '/jobs?_t=x', { accept: 'text/html' }],
  'a POST without a wish': ['POST', '/jobs'],
  'a wish of another site': [
    'POST',
    (id) => `/jobs?_cancel=${id}`,
    { origin: 'https://x.example' },
  ],
  'a wish for no job': ['POST', `/jobs?_retry=${UNKNOWN}`],
  'a wish that is granted': ['POST', (id) => `/jobs?state=scheduled&_cancel=${id}`],
  'a wish of a program': ['POST', (id) => `/jobs?_retry=${id}`, { accept: 'application/json' }],
};

/** What differs by framework on every route, and has nothing to do with jobs. */
const OF_THE_FRAMEWORK = ['date', 'connection', 'keep-alive', 'x-powered-by', 'etag'];

async function seen(response: Response): Promise<string[]> {
  const headers = [...response.headers].filter(([name]) => !OF_THE_FRAMEWORK.includes(name));
  return maskIds(JSON.stringify([response.status, headers, await response.text()], null, 1))
    .replace(/<span class=\\"day\\">(\S+)<\/span>/g, '$1')
    .replace(/\d{4}-\d\d-\d\d[T ][\d:.]+(Z| UTC)?/g, '<time>')
    .replace(/(nonce(?:=\\"|-))[\w+/=]+/g, '$1<nonce>')
    .replace(/\b[0-9a-f]{12}\b/g, '<tail>')
    .replace(/"(retry-after|content-length)",\s+"\d+"/g, '<a number>')
    .replace(/\b[\d.]+ (m?s|min|h)\b/g, '<a while>')
    .split('\n');
}

describe('Express and Fastify give the same answer to', () => {
  const apps: TestApp[] = [];
  const ids: string[] = [];

  beforeAll(async () => {
    for (const platform of ['express', 'fastify'] as const) {
      const app = await startDashboard({ platform });
      for (const path of ['scheduled', 'waiting', 'scheduled']) await startAt(app, `/show/${path}`);
      await until(async () => (await app.service.counts()).scheduled === 3);
      apps.push(app);
      ids.push((await app.service.list({ name: 'Show.single' }))[0]!.id);
    }
  });

  afterAll(() => Promise.all(apps.map((app) => app[Symbol.asyncDispose]())));

  it.each(Object.keys(REQUESTS))('%s', async (name) => {
    const [method, path, headers] = REQUESTS[name]!;
    const answers = apps.map(async (app, index) => {
      const target = typeof path === 'string' ? path : path(ids[index]!);
      return seen(await app.fetch(target, { method, headers: { ...headers } }));
    });
    const [one, other] = await Promise.all(answers);
    expect(other).toEqual(one);
  });
});
