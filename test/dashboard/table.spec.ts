import { describe, expect, it } from '@jest/globals';
import type { Job, JobState } from '../../src/index.js';
import { startDashboard } from '../support/dashboard.js';
import { startAt } from '../support/http.js';
import { failOnLeaks } from '../support/leaks.js';
import { Show } from '../support/show.js';
import { PLATFORMS, type TestApp } from '../support/test-app.js';
import { until } from '../support/until.js';

interface Table {
  counts: Record<JobState, number>;
  jobs: Job[];
  next: string | null;
}

const AS_HTML = { headers: { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' } };

async function tableAt(app: TestApp, path: string): Promise<Table> {
  return (await (await app.fetch(path)).json()) as Table;
}

async function pageAt(app: TestApp, path: string): Promise<string> {
  return (await app.fetch(path, AS_HTML)).text();
}

/** The address of the link, or of the form, that a pattern finds in a page. */
function addressIn(page: string, pattern: RegExp): string {
  const [, address] = pattern.exec(page) ?? [];
  if (address === undefined) throw new Error(`Nothing like ${pattern} in ${page}`);
  return address.replaceAll('&amp;', '&');
}

/** Two that are scheduled, one that has failed, one that runs with its two children. */
async function startSome(app: TestApp): Promise<void> {
  const show = app.get(Show);
  await startAt(app, '/show/scheduled');
  await startAt(app, '/show/scheduled');
  await startAt(app, '/show/failed');
  await until(async () => (await app.service.counts()).running === 1);
  show.gate.open();
  await until(async () => (await app.service.counts()).failed === 1);
  Object.assign(show, { gate: { opened: new Promise(() => {}) } });
  await startAt(app, '/show/running');
  await until(async () => (await app.service.counts()).running === 3);
}

failOnLeaks();

describe.each(PLATFORMS)('The table of jobs on %s', (platform) => {
  it('gives programs the counts and the jobs, the newest first', async () => {
    await using app = await startDashboard({ platform });
    await startSome(app);
    const { counts, jobs, next } = await tableAt(app, '/jobs');
    expect(counts).toEqual(await app.service.counts());
    expect(jobs.map(({ id }) => id)).toEqual((await app.service.list()).map(({ id }) => id));
    expect(jobs.find(({ state }) => state === 'failed')?.error).toEqual({
      name: 'RangeError',
      message: 'Division by zero in row 17: <b>not bold</b>',
    });
    expect(next).toBeNull();
  });

  it('is a page for browsers, with a link to the page of each job', async () => {
    await using app = await startDashboard({ platform });
    await startSome(app);
    const page = await pageAt(app, '/jobs');
    for (const { id, name } of await app.service.list()) {
      expect(page).toContain(`<a class="job" href="/jobs?_t=${id}"><span class="name">${name}<`);
    }
    expect(page).toContain('Division by zero in row 17: &lt;b&gt;not bold&lt;/b&gt;');
    expect(page).toContain('<progress max="100" value="42" aria-label="Progress">');
    expect(page).toMatch(/Scheduled <b>2<\/b>/);
    expect(page).toMatch(/All <b>6<\/b>/);
    expect(page).not.toMatch(/<script/i);
  });

  it('is kept by nobody, tells nobody where it is, and may load and run nothing', async () => {
    await using app = await startDashboard({ platform });
    const answer = await app.fetch('/jobs', AS_HTML);
    const page = await answer.text();
    const nonce = /<style nonce="([^"]+)">/.exec(page)?.[1];
    expect(answer.headers.get('content-security-policy')).toBe(
      `default-src 'none'; style-src 'nonce-${nonce}'; ` +
        `base-uri 'none'; form-action 'self'; frame-ancestors 'none'`,
    );
    for (const { headers } of [answer, await app.fetch('/jobs')]) {
      expect(headers.get('cache-control')).toBe('no-store');
      expect(headers.get('referrer-policy')).toBe('no-referrer');
      expect(headers.get('x-content-type-options')).toBe('nosniff');
    }
    expect(page).toContain('No jobs.');
    expect(await pageAt(app, '/jobs')).not.toContain(nonce);
  });

  it.each([
    ['state=scheduled', ['Show.single', 'Show.single']],
    ['state=failed', ['Show.fail']],
    ['state=completed', []],
    ['name=Show.index', ['Show.index', 'Show.index']],
    ['name=Show.index&state=failed', []],
    ['name=Show.*', []],
    [
      'name=&state=',
      ['Show.index', 'Show.index', 'Show.import', 'Show.fail', 'Show.single', 'Show.single'],
    ],
    ['limit=1', ['Show.index']],
  ])('is narrowed down by %s', async (query, names) => {
    await using app = await startDashboard({ platform });
    await startSome(app);
    const { jobs } = await tableAt(app, `/jobs?${query}`);
    expect(jobs.map(({ name }) => name)).toEqual(names);
  });

  it('is narrowed down to the jobs that one has started, which its page leads to', async () => {
    await using app = await startDashboard({ platform });
    await startSome(app);
    const [parent] = await app.service.list({ name: 'Show.import' });
    const parentPage = await pageAt(app, `/jobs?state=running&_t=${parent!.id}&_follow=0`);
    const location = addressIn(parentPage, /<a href="([^"]+)">Jobs that it started/);
    const { jobs } = await tableAt(app, location);
    expect(jobs.map(({ name, parentId }) => [name, parentId])).toEqual([
      ['Show.index', parent!.id],
      ['Show.index', parent!.id],
    ]);
    expect(await pageAt(app, location)).toContain(`href="${location}&amp;_t=${parent!.id}"`);
  });

  it('leads to each state by the counts on top, and says nothing of counts that it does not know', async () => {
    await using app = await startDashboard({ platform });
    await startSome(app);
    const page = await pageAt(app, '/jobs?name=Show.index');
    expect(page).toContain('<a href="/jobs?name=Show.index&amp;state=failed">');
    expect(page).not.toMatch(/Failed <b>/);
    const failed = await pageAt(app, '/jobs?state=failed');
    expect(failed).toMatch(/<a href="\/jobs\?state=failed" aria-current="true">.*Failed <b>1</);
    expect(failed).toContain('<input type="hidden" name="state" value="failed">');
  });

  it('is read page by page, to its end and back', async () => {
    await using app = await startDashboard({ platform });
    await startSome(app);
    const seen: string[] = [];
    for (let before: string | null = ''; before !== null;) {
      const { jobs, next }: Table = await tableAt(app, `/jobs?limit=2&before=${before}`);
      seen.push(...jobs.map(({ id }) => id));
      before = next;
    }
    expect(seen).toEqual((await app.service.list()).map(({ id }) => id));

    const first = await pageAt(app, '/jobs?limit=4');
    expect(first).not.toContain('Newest jobs');
    const last = await pageAt(app, addressIn(first, /rel="next" href="([^"]+)"/));
    expect(last).not.toContain('Older jobs');
    expect(addressIn(last, /href="([^"]+)">Newest jobs/)).toBe('/jobs?limit=4');
  });

  it('keeps what else is in the query, a key that a guard looks for, say', async () => {
    await using app = await startDashboard({ platform });
    await startSome(app);
    const page = await pageAt(app, '/jobs?key=a%26b&limit=2&_as=html');
    const links = [...page.matchAll(/(?:href|formaction|action)="([^"]+)"/g)].map(([, url]) => url);
    for (const link of links.filter((link) => link !== '/jobs')) {
      expect(link).toMatch(/^\/jobs\?key=a%26b&amp;limit=2(&amp;|$)/);
    }
    expect(page).toContain('<input type="hidden" name="key" value="a&amp;b">');
  });

  it.each([
    ['state=gone', /"state" is 'gone'. It must be 'scheduled' or 'queued' or/],
    ['state=failed&state=running', /"state" is \[ 'failed', 'running' \]/],
    ['limit=0', /"limit" is 0. It must be a whole number from 1 to 1000/],
    ['limit=1001', /"limit" is 1001/],
    ['limit=-1', /"limit" is '-1'/],
    ['limit=ten', /"limit" is 'ten'/],
    ['before=yesterday', /"before" is 'yesterday'. It must be the id of a job/],
    ['parentId=%00', /"parentId" is .* It must be the id of a job/],
  ])('answers %s with what is allowed', async (query, message) => {
    await using app = await startDashboard({ platform });
    const answer = await app.fetch(`/jobs?${query}`);
    expect(answer.status).toBe(400);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(await answer.json()).toMatchObject({ message: expect.stringMatching(message) });
  });

  it('shows of results and errors what it is told to', async () => {
    const expose = { message: false, result: false };
    await using app = await startDashboard({ platform, dashboard: { public: true, expose } });
    await startSome(app);
    expect(await pageAt(app, '/jobs')).not.toContain('Division by zero');
    const { jobs } = await tableAt(app, '/jobs?state=failed');
    expect(jobs[0]?.error).toEqual({ name: 'RangeError', message: 'The job failed.' });
  });

  it('answers HEAD as GET, without a body', async () => {
    await using app = await startDashboard({ platform });
    const answer = await app.fetch('/jobs', { ...AS_HTML, method: 'HEAD' });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(await answer.text()).toBe('');
  });
});
