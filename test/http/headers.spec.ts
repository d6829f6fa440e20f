import { afterEach, describe, expect, it } from '@jest/globals';
import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { Controller, Get, Header, HttpCode, Post, Redirect, Render, Res } from '@nestjs/common';
import { Backgrounder } from '../../src/index.js';
import { locationOf, startAt } from '../support/http.js';
import { Tasks } from '../support/tasks.js';
import { closeApps, PLATFORMS, startApp } from '../support/test-app.js';

/** What Express' response and Fastify's reply have in common. */
interface AnyResponse {
  header(name: string, value: OutgoingHttpHeaders[string]): void;
  status(code: number): AnyResponse;
  send(body: unknown): void;
  raw?: ServerResponse;
}

@Controller()
class Headers {
  constructor(private readonly tasks: Tasks) {}

  @Backgrounder()
  @Get('cookie')
  cookie(@Res({ passthrough: true }) response: AnyResponse): void {
    response.header('Set-Cookie', ['a=1', 'b=2; HttpOnly']);
    response.header('X-Mine', 'yes');
    void this.tasks.run('<script>alert(1)</script>');
  }

  @Backgrounder()
  @Get('declared')
  @HttpCode(418)
  @Header('X-Mine', 'yes')
  @Header('Cache-Control', 'public, max-age=3600')
  @Header('Content-Type', 'text/csv')
  @Header('Content-Disposition', 'attachment')
  declared(): void {
    void this.tasks.run();
  }

  @Backgrounder()
  @Post('declared-too')
  @Header('X-Mine', 'yes')
  @Header('Content-Type', 'text/csv')
  declaredForPost(): void {
    void this.tasks.run();
  }

  @Backgrounder()
  @Get('encoded')
  @Header('Content-Encoding', 'gzip')
  encoded(): void {
    void this.tasks.run();
  }

  @Backgrounder()
  @Get('redirects')
  @Redirect('https://elsewhere.example', 301)
  redirects(): void {
    void this.tasks.run();
  }

  @Backgrounder()
  @Get('renders')
  @Render('no-such-view')
  renders(): object {
    void this.tasks.run();
    return {};
  }

  @Backgrounder()
  @Get('response')
  takesResponse(@Res() response: AnyResponse): void {
    response.header('Set-Cookie', 'a=1');
    void this.tasks.run();
  }

  @Backgrounder()
  @Get('answers')
  answers(@Res() response: AnyResponse): void {
    void this.tasks.run();
    response.status(207).send('my own');
  }
}

/** Its handlers take the response as those of the other do, which Nest has noted there. */
@Controller('heir')
class Heir extends Headers {}

const HEADERS = { controllers: [Headers, Heir], providers: [Tasks] };

afterEach(closeApps);

describe.each(PLATFORMS)('Headers on %s', (platform) => {
  const start = () => startApp({ ...HEADERS, platform });

  it('and cookies that the handler sets go with the redirect, and with no poll', async () => {
    await using app = await start();
    const started = await app.fetch('/cookie');
    expect(started.status).toBe(303);
    expect(started.headers.getSetCookie()).toEqual(['a=1', 'b=2; HttpOnly']);
    expect(started.headers.get('x-mine')).toBe('yes');
    const poll = await app.fetch(locationOf(started));
    expect(poll.headers.getSetCookie()).toEqual([]);
    expect(poll.headers.has('x-mine')).toBe(false);
    expect(poll.headers.get('content-type')).toBe('text/plain; charset=utf-8');
    expect(await poll.text()).toBe('<script>alert(1)</script>\n');
  });

  it('that @Header() declares go with the redirect, but for those that are its own', async () => {
    await using app = await start();
    const started = await app.fetch('/declared');
    expect(started.status).toBe(303);
    expect(started.headers.get('x-mine')).toBe('yes');
    expect(started.headers.get('cache-control')).toBe('no-store');
    expect(started.headers.get('content-type')).toBe('text/plain; charset=utf-8');
  });

  it('that say how the handler encodes its body do not go with a body of ours', async () => {
    await using app = await start();
    const redirected = await app.fetch('/encoded');
    expect(await redirected.text()).toMatch(/^Started as job/);
    const accepted = await app.fetch('/encoded', { headers: { accept: 'application/json' } });
    expect(await accepted.json()).toMatchObject({ name: 'Tasks.run' });
    for (const { headers } of [redirected, accepted]) {
      expect(headers.has('content-encoding')).toBe(false);
    }
  });

  it('that @Header() declares do not go with polls, found or not', async () => {
    await using app = await start();
    const location = await startAt(app, '/declared');
    const poll = await app.fetch(location);
    expect(poll.status).toBe(200);
    const lost = await app.fetch('/declared?_t=x');
    expect(lost.status).toBe(404);
    for (const { headers } of [poll, lost]) {
      expect(headers.has('x-mine')).toBe(false);
      expect(headers.has('content-disposition')).toBe(false);
      expect(headers.get('cache-control')).toBe('no-store');
    }
    expect(lost.headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect(app.log.containing('warn', '')).toEqual([]);
  });

  it('that @Header() declares do not go with what answers HEAD or a prefetch', async () => {
    await using app = await start();
    const look = await app.fetch('/declared', { method: 'HEAD' });
    const ahead = await app.fetch('/declared', { headers: { 'sec-purpose': 'prefetch' } });
    expect([look.status, ahead.status]).toEqual([200, 503]);
    expect([look.headers.has('x-mine'), ahead.headers.has('x-mine')]).toEqual([false, false]);
  });

  it('that @Header() declares on a POST do not go with the polls of its companion', async () => {
    await using app = await start();
    const started = await app.fetch('/declared-too', { method: 'POST' });
    expect(started.headers.get('x-mine')).toBe('yes');
    const poll = await app.fetch(locationOf(started));
    expect(poll.headers.has('x-mine')).toBe(false);
    expect(poll.headers.get('content-type')).toBe('text/plain; charset=utf-8');
  });
});

describe.each(PLATFORMS)('The answer with a job on %s takes the place', (platform) => {
  it.each(['redirects', 'renders', 'response', 'heir/response'])(
    'of what Nest would do: %s',
    async (path) => {
      await using app = await startApp({ ...HEADERS, platform });
      const started = await app.fetch(`/${path}`);
      expect(started.status).toBe(303);
      const poll = await app.fetch(locationOf(started));
      expect([poll.status, await poll.text()]).toEqual([200, 'task\n']);
      expect(poll.headers.has('set-cookie')).toBe(false);
      expect(app.log.containing('error', '')).toEqual([]);
    },
  );

  it('of nothing where the handler has answered on its own', async () => {
    await using app = await startApp({ ...HEADERS, platform });
    const response = await app.fetch('/answers');
    expect([response.status, await response.text()]).toEqual([207, 'my own']);
    expect(app.log.containing('error', '')).toEqual([]);
    expect(await app.service.list()).toHaveLength(1);
  });
});
