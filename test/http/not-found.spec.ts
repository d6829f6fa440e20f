import { afterEach, describe, expect, it } from '@jest/globals';
import type { IncomingMessage } from 'node:http';
import { Controller, Get, HostParam, Param, Post } from '@nestjs/common';
import {
  Background,
  Backgrounder,
  memoryTracker,
  type BackgroundModuleOptions,
} from '../../src/index.js';
import { fakeClock } from '../../src/testing/index.js';
import { idIn, pollToTheEnd, rawRequest, startAt } from '../support/http.js';
import { Tasks } from '../support/tasks.js';
import { closeApps, PLATFORMS, startApp, type TestApp } from '../support/test-app.js';
import { until } from '../support/until.js';

const userOf = (request: IncomingMessage): string | undefined =>
  request.headers['x-user'] as string;
const teamOf = (request: IncomingMessage): string | undefined =>
  request.headers['x-team'] as string;

@Controller('reports')
class Reports {
  handled = 0;

  constructor(private readonly tasks: Tasks) {}

  @Backgrounder()
  @Get(':id/build')
  build(@Param('id') id: string): void {
    this.handled += 1;
    void this.tasks.run(`secret of ${id}`);
  }

  @Backgrounder()
  @Get(':id/check')
  check(@Param('id') id: string): void {
    void this.tasks.run(id);
  }

  @Backgrounder()
  @Post(':id/send')
  send(@Param('id') id: string): void {
    void this.tasks.run(id);
  }

  @Backgrounder({ owner: teamOf })
  @Get('of-the-team')
  ofTheTeam(): void {
    void this.tasks.run();
  }

  @Backgrounder({ owner: teamOf })
  @Background()
  @Get('job-of-the-team')
  async jobOfTheTeam(): Promise<void> {}

  @Background()
  @Backgrounder({ owner: teamOf })
  @Get('team-of-the-job')
  async teamOfTheJob(): Promise<void> {}

  @Get('plain')
  plain(): string {
    void this.tasks.run();
    return 'no job is shown here';
  }
}

const REPORTS = { controllers: [Reports], providers: [Tasks] };
const UNKNOWN = '019a0000-0000-7000-8000-000000000000';
const NOT_FOUND = { statusCode: 404, error: 'Not Found', message: 'There is no such job here.' };

@Controller({ host: ':tenant.example.com', path: 'reports' })
class Tenants {
  constructor(private readonly tasks: Tasks) {}

  @Backgrounder()
  @Get()
  build(@HostParam('tenant') tenant: string): void {
    void this.tasks.run(tenant);
  }
}

afterEach(closeApps);

async function expectNotFound(response: Response): Promise<void> {
  expect(response.status).toBe(404);
  expect(await response.json()).toEqual(NOT_FOUND);
  expect(response.headers.get('cache-control')).toBe('no-store');
  expect(response.headers.get('referrer-policy')).toBe('no-referrer');
  expect(response.headers.get('x-content-type-options')).toBe('nosniff');
  expect(response.headers.has('x-job-state')).toBe(false);
}

describe.each(PLATFORMS)('A poll on %s answers with one and the same 404', (platform) => {
  const reports = (background?: BackgroundModuleOptions): Promise<TestApp> =>
    startApp({ ...REPORTS, platform, background });

  it.each([
    '?_t=',
    '?_t',
    '?_t=x',
    '?_t=a&_t=b',
    '?_t[]=x',
    '?_t[a]=x',
    '?_t=%E0%A4%A',
    '?_t=%00',
    '?_t=../../etc/passwd',
    `?_t=${'9'.repeat(4_000)}`,
    '?_t=__proto__',
    '?_t=00000000-0000-0000-0000-000000000000',
    '?_t=ffffffff-ffff-ffff-ffff-ffffffffffff',
    `?_t=${UNKNOWN}`,
    `?_t=%20${UNKNOWN}`,
    `?a=1&_t=${UNKNOWN}`,
  ])('for what is no job’s id: %s', async (query) => {
    await using app = await reports();
    for (const accept of ['*/*', 'application/json', 'text/html']) {
      await expectNotFound(await app.fetch(`/reports/7/build${query}`, { headers: { accept } }));
    }
    expect(app.get(Reports).handled).toBe(0);
    expect(await app.service.list()).toEqual([]);
  });

  it('for a malformed id without asking the tracker, which may know no such ids', async () => {
    const tracker = memoryTracker();
    tracker.find = (id) => {
      throw new Error(`${id} is no UUID`);
    };
    await using app = await reports({ tracker });
    for (const id of ['', 'x', `${UNKNOWN}0`, `{${UNKNOWN}}`, UNKNOWN.replace('7000', '4000')]) {
      await expectNotFound(await app.fetch(`/reports/7/build?_t=${id}`));
    }
  });

  it('for an id that is given twice, even where it is right', async () => {
    await using app = await reports();
    const location = await startAt(app, '/reports/7/build');
    const id = idIn(location);
    await expectNotFound(await app.fetch(`${location}&_t=${id}`));
    await expectNotFound(await app.fetch(`${location}&_t[]=${id}`));
    expect(app.get(Reports).handled).toBe(1);
  });

  it('for a job that another route started', async () => {
    await using app = await reports();
    const id = idIn(await startAt(app, '/reports/7/build'));
    await expectNotFound(await app.fetch(`/reports/7/check?_t=${id}`));
    await expectNotFound(await app.fetch(`/reports/7/send?_t=${id}`));
    const sent = idIn(await startAt(app, '/reports/7/send', { method: 'POST' }));
    await expectNotFound(await app.fetch(`/reports/7/build?_t=${sent}`));
  });

  it('for a job of the same route under another parameter', async () => {
    await using app = await reports();
    const location = await startAt(app, '/reports/7/build');
    await expectNotFound(await app.fetch(location.replace('/7/', '/8/')));
    expect((await app.fetch(location)).status).toBe(200);
  });

  it('for a job of the same route under another parameter of the host', async () => {
    await using app = await startApp({ controllers: [Tenants], providers: [Tasks], platform });
    const { headers } = await rawRequest(app, '/reports', 'GET', { host: 'ann.example.com' });
    const at = async (host: string) =>
      (await rawRequest(app, headers.location!, 'GET', { host })).status;
    expect(await at('bob.example.com')).toBe(404);
    expect(await at('Ann.example.com')).toBe(200);
  });

  it('for a job that no route started', async () => {
    await using app = await reports();
    const id = app.service.perform(() => 'secret');
    await expectNotFound(await app.fetch(`/reports/7/build?_t=${id}`));
    expect(await (await app.fetch('/reports/plain')).text()).toBe('no job is shown here');
    const [started] = await app.service.list({ name: 'Tasks.run' });
    await expectNotFound(await app.fetch(`/reports/7/build?_t=${started!.id}`));
  });

  it('for a job whose retention is over, not a second earlier', async () => {
    const clock = fakeClock();
    await using app = await reports({ clock, retention: { completed: '60s', failed: '2m' } });
    const location = await startAt(app, '/reports/7/build');
    await clock.advance(2 * 3_600_000);
    expect((await app.fetch(location)).headers.get('x-job-state')).toBe('running');
    app.get(Tasks).gate.open();
    await pollToTheEnd(app, location);
    await clock.advance(59_000);
    expect((await app.fetch(location)).status).toBe(200);
    await clock.advance(2_000);
    await expectNotFound(await app.fetch(location));
    expect(app.get(Reports).handled).toBe(1);
    expect(await app.service.list()).toEqual([]);
  });

  it('for a job of another owner, or of none', async () => {
    await using app = await reports({ http: { owner: userOf } });
    const as = (user?: string): RequestInit => ({ headers: user ? { 'x-user': user } : {} });
    const location = await startAt(app, '/reports/7/build', as('ann'));
    expect(await (await app.fetch(location, as('ann'))).text()).toBe('secret of 7\n');
    await expectNotFound(await app.fetch(location, as('bob')));
    await expectNotFound(await app.fetch(location, as()));
    const nobodys = await startAt(app, '/reports/7/build', as());
    await expectNotFound(await app.fetch(nobodys, as('ann')));
    expect((await app.fetch(nobodys, as())).status).toBe(200);
  });

  it.each(['of-the-team', 'job-of-the-team', 'team-of-the-job'])(
    'for another owner as the route itself knows owners: %s',
    async (path) => {
      await using app = await reports({ http: { owner: userOf } });
      const as = (team: string): RequestInit => ({ headers: { 'x-team': team, 'x-user': team } });
      const location = await startAt(app, `/reports/${path}`, as('red'));
      expect((await app.fetch(location, as('red'))).status).toBe(200);
      await expectNotFound(await app.fetch(location, as('blue')));
      const colleague = { headers: { 'x-team': 'red', 'x-user': 'ann' } };
      expect((await app.fetch(location, colleague)).status).toBe(200);
    },
  );

  it('for the parts of a job: what it has started itself is no job of the route', async () => {
    await using app = await reports();
    await startAt(app, '/reports/7/build');
    const tasks = app.get(Tasks);
    tasks.end = () => {
      tasks.end = () => 'done';
      return tasks.run('child');
    };
    tasks.gate.open();
    await until(() => tasks.runs.includes('child'));
    const child = (await app.service.list()).find((job) => job.parentId);
    await expectNotFound(await app.fetch(`/reports/7/build?_t=${child!.id}`));
  });
});
