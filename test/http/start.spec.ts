import { afterEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, Post, Query } from '@nestjs/common';
import { lastValueFrom } from 'rxjs';
import { Backgrounder, BackgroundService, jobOf, print } from '../../src/index.js';
import { Demo, DemoController } from '../support/demo.js';
import { idIn, locationOf, maskIds, pollToTheEnd, startAt } from '../support/http.js';
import { Latch } from '../support/latch.js';
import { Tasks } from '../support/tasks.js';
import { closeApps, PLATFORMS, startApp } from '../support/test-app.js';
import { until } from '../support/until.js';

@Controller()
class Starts {
  readonly heard: unknown[] = [];
  readonly wentOn = new Latch();

  constructor(
    private readonly tasks: Tasks,
    private readonly service: BackgroundService,
  ) {}

  @Backgrounder()
  @Get('several')
  several(): void {
    print('head');
    void this.tasks.run('first');
    void this.tasks.run('second');
  }

  @Backgrounder()
  @Get('awaits')
  async awaits(): Promise<string> {
    this.heard.push(await this.tasks.run());
    this.wentOn.open();
    return 'This comes too late to be the answer.';
  }

  @Backgrounder()
  @Get('returns')
  returns(): Promise<unknown> {
    return this.tasks.run();
  }

  @Backgrounder()
  @Get('all')
  async all(): Promise<void> {
    this.heard.push(await Promise.all([this.tasks.run('a'), this.tasks.run('b')]));
    this.wentOn.open();
  }

  @Backgrounder()
  @Get('by-id')
  async byId(): Promise<void> {
    const id = this.service.perform(() => this.tasks.gate.opened.then(() => 'performed'));
    this.heard.push(await this.service.wait(id));
    this.wentOn.open();
  }

  @Backgrounder()
  @Get('follows')
  async follows(): Promise<void> {
    const last = await lastValueFrom(jobOf(this.tasks.run()).follow());
    this.heard.push(last.type);
    this.wentOn.open();
  }

  @Backgrounder()
  @Get('fails-late')
  async failsLate(): Promise<void> {
    await this.tasks.run();
    throw new Error('after the answer');
  }

  @Backgrounder()
  @Post('create')
  create(@Query('n') n: string): void {
    void this.tasks.run(n);
  }
}

const STARTS = { controllers: [Starts], providers: [Tasks] };
const DEMO = { controllers: [DemoController], providers: [Demo] };

afterEach(closeApps);

describe.each(PLATFORMS)('Starting a job on %s', (platform) => {
  const demo = () => startApp({ ...DEMO, platform });
  const starts = () => startApp({ ...STARTS, platform });

  it('redirects to the same URL plus the id, while the job is blocked at its first latch', async () => {
    await using app = await demo();
    const response = await app.fetch('/demo');
    expect(response.status).toBe(303);
    expect(maskIds(locationOf(response))).toBe('/demo?_t=<id>');
    expect(response.headers.get('cache-control')).toBe('no-store');
    await until(() => app.get(Demo).starts === 1);
    expect(app.get(Demo).latches).toHaveLength(10);
  });

  it.each([
    ['?a=1&b=x%20y', '/demo?a=1&b=x%20y&_t=<id>'],
    ['?a=1&a=2', '/demo?a=1&a=2&_t=<id>'],
    ['?flag&empty=&eq=a=b', '/demo?flag&empty=&eq=a=b&_t=<id>'],
    ['?plus=a+b&bad=%E0%A4%A', '/demo?plus=a+b&bad=%E0%A4%A&_t=<id>'],
    ['?_tx=1&x_t=2', '/demo?_tx=1&x_t=2&_t=<id>'],
    ['?list[]=1&list[]=2', '/demo?list[]=1&list[]=2&_t=<id>'],
    ['?next=https://evil.example/%3F_t=1', '/demo?next=https://evil.example/%3F_t=1&_t=<id>'],
    ['?', '/demo?_t=<id>'],
  ])('keeps the query %s as it is', async (query, expected) => {
    await using app = await demo();
    expect(maskIds(await startAt(app, `/demo${query}`))).toBe(expected);
  });

  it.each(['?_t=old', '?_t=old&_t=older', '?%5Ft=old', '?_t', '?_t[]=old', '?_t[a]=old'])(
    'never doubles an id that a POST carries in its query: %s',
    async (query) => {
      await using app = await starts();
      const location = await startAt(app, `/create${query}&n=5`, { method: 'POST' });
      expect(maskIds(location)).toBe('/create?n=5&_t=<id>');
      expect((await app.fetch(location)).status).toBe(200);
    },
  );

  it('leads back to the origin that the client sees, behind TLS and a foreign host name', async () => {
    await using app = await demo();
    const headers = { 'X-Forwarded-Proto': 'https', 'X-Forwarded-Host': 'example.org' };
    const location = await startAt(app, '/demo', { headers });
    const seen = new URL(location, 'https://example.org/demo');
    expect(maskIds(seen.href)).toBe('https://example.org/demo?_t=<id>');
  });

  it('names the first of several jobs, whose output the handler’s heads', async () => {
    await using app = await starts();
    const location = await startAt(app, '/several');
    app.get(Tasks).gate.open();
    expect(await (await pollToTheEnd(app, location)).text()).toBe('head\nfirst\n');
    const [second, first] = await app.service.list();
    expect(first?.id).toBe(idIn(location));
    expect(await app.service.output(second!.id)).toBe('second\n');
    const another = await app.fetch(location.replace(first!.id, second!.id));
    expect(await another.text()).toBe('second\n');
  });

  it.each([
    ['awaits', 'done'],
    ['all', ['done', 'done']],
    ['by-id', 'performed'],
    ['follows', 'state'],
  ])(
    'answers a handler that awaits its job at once, and lets it go on: %s',
    async (path, result) => {
      await using app = await starts();
      const response = await app.fetch(`/${path}`);
      expect(response.status).toBe(303);
      const { heard, wentOn } = app.get(Starts);
      expect(heard).toEqual([]);
      app.get(Tasks).gate.open();
      await wentOn.opened;
      expect(heard).toEqual([result]);
    },
  );

  it('answers a handler that returns the job’s promise at once', async () => {
    await using app = await starts();
    const location = await startAt(app, '/returns');
    expect((await app.fetch(location)).headers.get('x-job-state')).toBe('running');
  });

  it('logs what a handler throws after its answer, with the job’s id', async () => {
    await using app = await starts();
    const location = await startAt(app, '/fails-late');
    app.get(Tasks).gate.open();
    await until(() => app.log.containing('error', 'after the answer').length === 1);
    expect(app.log.containing('error', idIn(location))).toHaveLength(1);
    expect((await pollToTheEnd(app, location)).headers.get('x-job-state')).toBe('completed');
  });

  it('lets the handler finish: it goes on after the call, and its later lines are not the job’s', async () => {
    await using app = await demo();
    const location = await startAt(app, '/demo');
    expect(app.get(DemoController).flag).toBe(true);
    app.get(Demo).latches.forEach((latch) => latch.open());
    expect(await (await pollToTheEnd(app, location)).text()).not.toContain('after');
  });

  it('starts one job for each request, each with an id of its own', async () => {
    await using app = await demo();
    const locations = await Promise.all(Array.from({ length: 20 }, () => startAt(app, '/demo')));
    expect(new Set(locations.map(idIn)).size).toBe(20);
    expect(await app.service.list()).toHaveLength(20);
  });

  it('takes the name of the parameter from the options', async () => {
    await using app = await startApp({
      ...DEMO,
      platform,
      background: { http: { param: 'job id' } },
    });
    const location = await startAt(app, '/demo?_t=mine');
    expect(maskIds(location)).toBe('/demo?_t=mine&job%20id=<id>');
    expect((await app.fetch(location)).status).toBe(200);
    expect(app.get(DemoController).handled).toBe(1);
  });
});

describe.each(PLATFORMS)('What cannot be meant to start a job on %s', (platform) => {
  it('is a HEAD request: it answers without a body, and nothing starts', async () => {
    await using app = await startApp({ ...DEMO, platform });
    const response = await app.fetch('/demo', { method: 'HEAD' });
    expect(response.status).toBe(200);
    expect(app.get(DemoController).handled).toBe(0);
    expect(await app.service.list()).toEqual([]);
  });

  it.each([
    ['Sec-Purpose', 'prefetch'],
    ['Sec-Purpose', 'prefetch;prerender'],
    ['Sec-Purpose', 'prefetch;anonymous-client-ip'],
    ['Purpose', 'prefetch'],
    ['X-Moz', 'prefetch'],
  ])('is a page that is fetched ahead, with %s: %s', async (name, value) => {
    await using app = await startApp({ ...DEMO, platform });
    const response = await app.fetch('/demo', { headers: { [name]: value } });
    expect(response.status).toBe(503);
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(response.headers.has('location')).toBe(false);
    expect(app.get(DemoController).handled).toBe(0);
    expect(await app.service.list()).toEqual([]);
  });

  it('is not a prefetched page of a job: that is a poll as any other', async () => {
    await using app = await startApp({ ...DEMO, platform });
    const location = await startAt(app, '/demo');
    const response = await app.fetch(location, { headers: { 'Sec-Purpose': 'prefetch' } });
    expect(response.status).toBe(200);
  });
});
