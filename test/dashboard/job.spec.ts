import { describe, expect, it } from '@jest/globals';
import { Controller, Get } from '@nestjs/common';
import { Backgrounder, type Job } from '../../src/index.js';
import { startDashboard } from '../support/dashboard.js';
import { idIn, startAt } from '../support/http.js';
import { failOnLeaks } from '../support/leaks.js';
import { PRINTER, Printer } from '../support/printer.js';
import { PLATFORMS, type TestApp } from '../support/test-app.js';

@Controller()
class Owned {
  constructor(private readonly printer: Printer) {}

  @Backgrounder({ owner: () => 'ada' })
  @Get('owned')
  start(): void {
    void this.printer.run();
  }
}

const APP = { ...PRINTER, controllers: [...PRINTER.controllers, Owned] };

async function printed(app: TestApp, route: string): Promise<string> {
  const id = idIn(await startAt(app, route));
  const printer = app.get(Printer);
  await printer.started.opened;
  printer.job.print('first');
  return id;
}

failOnLeaks();

describe.each(PLATFORMS)('A job on the dashboard on %s', (platform) => {
  it.each(['/print', '/owned'])(
    'is shown in every face, whoever started it at whichever route: %s',
    async (route) => {
      await using app = await startDashboard({ ...APP, platform });
      const id = await printed(app, route);
      const at = (query = ''): string => `/jobs?_t=${id}${query}`;
      expect(await (await app.fetch(at())).text()).toBe('first\n');
      const json = (await (await app.fetch(at('&_as=json'))).json()) as Job;
      expect(json).toMatchObject({ id, state: 'running', done: false, output: 'first\n' });
      app.get(Printer).end.open();
      const bodies = ['sse', 'ndjson', 'html'].map(async (face) =>
        (await app.fetch(at(`&_as=${face}`))).text(),
      );
      const [sse, ndjson, page] = await Promise.all(bodies);
      expect(sse).toMatch(/event: output\n.*first.*event: state\n.*"completed"/s);
      expect(ndjson).toMatch(/"type":"output".*first.*"state":"completed"/s);
      expect(page).toMatch(/first.*Completed.*<\/html>\n$/s);
    },
  );

  it('leads back to the part of the table that its reader has come from', async () => {
    await using app = await startDashboard({ ...APP, platform });
    const id = await printed(app, '/print');
    const table = `/jobs?state=running&limit=5&before=${id}`;
    const page = await (await app.fetch(`${table}&_t=${id}&_as=html&_follow=0`)).text();
    expect(page).toContain(`<a href="${table.replaceAll('&', '&amp;')}">All jobs</a>`);
  });

  it('is a 404 where there is none such, as for polls', async () => {
    await using app = await startDashboard({ ...APP, platform });
    const ids = ['', 'x', '%E0%A4%A', '019a0000-0000-7000-8000-000000000000', '..%2f'];
    for (const id of ids) {
      for (const accept of ['text/html', 'application/json', 'text/event-stream']) {
        const answer = await app.fetch(`/jobs?_t=${id}`, { headers: { accept } });
        expect(answer.status).toBe(404);
        expect(answer.headers.get('cache-control')).toBe('no-store');
        const { message } = (await answer.json()) as { message: string };
        expect(message).toBe('There is no such job here.');
      }
    }
    const id = await printed(app, '/print');
    expect((await app.fetch(`/jobs?_t=${id}&_t=${id}`)).status).toBe(404);
    expect((await app.fetch(`/jobs?_t[]=${id}`)).status).toBe(404);
  });

  it('is asked for under the name that the application has given to ids', async () => {
    const background = { http: { param: 'job' } };
    await using app = await startDashboard({ ...APP, platform, background });
    const id = await printed(app, '/print');
    const table = await (await app.fetch('/jobs?_as=html')).text();
    expect(table).toContain(`href="/jobs?job=${id}"`);
    expect(await (await app.fetch(`/jobs?job=${id}`)).text()).toBe('first\n');
  });

  it('shows no stack unless it is told to', async () => {
    for (const stack of [false, true]) {
      const dashboard = { public: true, expose: { stack } };
      await using app = await startDashboard({ ...APP, platform, dashboard });
      const id = await printed(app, '/print');
      app.get(Printer).result = new Error('boom');
      app.get(Printer).end.open();
      await app.service.wait(id).catch(() => {});
      for (const face of ['json', 'html', 'ndjson']) {
        const body = await (await app.fetch(`/jobs?_t=${id}&_as=${face}`)).text();
        expect(body).toContain('boom');
        expect(body.includes('job.spec')).toBe(stack);
      }
    }
  });
});
