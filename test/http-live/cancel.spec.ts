import {
  Controller,
  Get,
  Injectable,
  Post,
  UseGuards,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';
import { describe, expect, it } from '@jest/globals';
import { Backgrounder, RouteClashError, type Job } from '../../src/index.js';
import { locationOf, pollToTheEnd, startAt } from '../support/http.js';
import { failOnLeaks } from '../support/leaks.js';
import { Printer, PrinterController } from '../support/printer.js';
import { PLATFORMS, startApp, type TestApp } from '../support/test-app.js';

@Injectable()
class NeedsKey implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const { headers } = context.switchToHttp().getRequest<{ headers: Record<string, string> }>();
    return headers['x-key'] === 'secret';
  }
}

@Controller()
class Guarded {
  constructor(private readonly printer: Printer) {}

  @UseGuards(NeedsKey)
  @Backgrounder({
    cancel: true,
    owner: (request: { headers: Record<string, string> }) => request.headers['x-user'],
  })
  @Get('guarded/:id')
  guarded(): void {
    void this.printer.run();
  }
}

@Controller()
class Clashing {
  @Backgrounder({ cancel: true })
  @Get('same')
  watch(): void {}

  @Post('same')
  post(): void {}
}

failOnLeaks();

describe.each(PLATFORMS)('Cancelling a job over HTTP on %s', (platform) => {
  const start = (): Promise<TestApp> =>
    startApp({ controllers: [PrinterController, Guarded], providers: [Printer], platform });
  const cancel = (
    app: TestApp,
    location: string,
    headers: Record<string, string> = {},
  ): Promise<Response> => app.fetch(`${location}&_cancel=1`, { method: 'POST', headers });
  const stateAt = async (app: TestApp, location: string): Promise<string | null> =>
    (await app.fetch(location)).headers.get('x-job-state');

  it.each([
    ['/cancellable', 'GET'],
    ['/posted', 'POST'],
  ])('is a POST that leads back to the page, for jobs of %s', async (path, method) => {
    await using app = await start();
    const location = await startAt(app, path, { method });
    await app.get(Printer).started.opened;
    const response = await cancel(app, location, { 'sec-fetch-site': 'same-origin' });
    expect(response.status).toBe(303);
    expect(locationOf(response)).toBe(location);
    const last = await pollToTheEnd(app, location);
    expect(last.headers.get('x-job-state')).toBe('cancelled');
  });

  it('answers programs with the job', async () => {
    await using app = await start();
    const location = await startAt(app, '/cancellable');
    const response = await cancel(app, location, { accept: 'application/json' });
    const job = (await response.json()) as Job;
    expect(job).toMatchObject({ state: 'cancelled', done: true });
  });

  it.each([
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
    { 'sec-fetch-site': 'none' },
    { 'sec-fetch-site': 'cross-site', origin: 'http://127.0.0.1' },
    { origin: 'https://evil.example' },
    { origin: 'null' },
    { origin: 'http://127.0.0.1:1' },
    { origin: 'nonsense' },
  ])('is refused to other sites: %j', async (headers) => {
    await using app = await start();
    const location = await startAt(app, '/cancellable');
    expect((await cancel(app, location, headers as Record<string, string>)).status).toBe(403);
    expect(await stateAt(app, location)).not.toBe('cancelled');
  });

  it('is allowed from an origin that a proxy hides', async () => {
    await using app = await start();
    const location = await startAt(app, '/cancellable');
    const headers = { origin: 'https://jobs.example', 'x-forwarded-host': 'jobs.example' };
    expect((await cancel(app, location, headers)).status).toBe(303);
  });

  it('is not there where it was not asked for, and starts nothing', async () => {
    await using app = await start();
    const location = await startAt(app, '/print');
    expect((await cancel(app, location)).status).toBe(404);
    expect(await stateAt(app, location)).not.toBe('cancelled');
    expect((await app.service.list()).length).toBe(1);
  });

  it.each(['', '&_t=', '_t=x', '_t=01890000-0000-7000-8000-000000000000'])(
    'answers 404 for an id that is none, and starts nothing: %s',
    async (query) => {
      await using app = await start();
      for (const path of ['/cancellable', '/posted']) {
        const response = await cancel(app, `${path}?${query}`);
        expect(response.status).toBe(404);
      }
      expect(await app.service.list()).toEqual([]);
    },
  );

  it('is under the guards of the route, and for the job’s owner alone', async () => {
    await using app = await start();
    const headers = { 'x-key': 'secret', 'x-user': 'ada' };
    const location = await startAt(app, '/guarded/7', { headers });
    expect((await cancel(app, location)).status).toBe(403);
    const stranger = { ...headers, 'x-user': 'bob' };
    expect((await cancel(app, location, stranger)).status).toBe(404);
    expect((await cancel(app, location.replace('/7', '/8'), headers)).status).toBe(404);
    expect((await cancel(app, location, headers)).status).toBe(303);
  });

  it('is harmless after the end', async () => {
    await using app = await start();
    const location = await startAt(app, '/cancellable');
    app.get(Printer).end.open();
    await pollToTheEnd(app, location);
    expect((await cancel(app, location)).status).toBe(303);
    expect(await stateAt(app, location)).toBe('completed');
  });

  it('is an error at start where another route has the POST', async () => {
    const starting = startApp({ controllers: [Clashing], platform });
    await expect(starting).rejects.toThrow(RouteClashError);
  });
});
