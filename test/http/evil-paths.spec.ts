import { afterEach, describe, expect, it } from '@jest/globals';
import { Controller, Get } from '@nestjs/common';
import { Backgrounder } from '../../src/index.js';
import { idIn, maskIds, rawRequest } from '../support/http.js';
import { Tasks } from '../support/tasks.js';
import { closeApps, PLATFORMS, startApp } from '../support/test-app.js';

@Controller()
class Anywhere {
  constructor(private readonly tasks: Tasks) {}

  @Backgrounder()
  @Get('*')
  start(): void {
    void this.tasks.run();
  }
}

const ANYWHERE = { controllers: [Anywhere], providers: [Tasks] };

afterEach(closeApps);

describe.each(PLATFORMS)(
  'A redirect on %s stays on its origin, and shows the job there',
  (platform) => {
    it.each([
      ['//evil.example', '/evil.example?_t=<id>'],
      ['///evil.example/', '/evil.example/?_t=<id>'],
      ['//evil.example?a=//evil.example', '/evil.example?a=//evil.example&_t=<id>'],
      ['/\\evil.example', '/%5Cevil.example?_t=<id>'],
      ['/\\/evil.example', '/%5C/evil.example?_t=<id>'],
      ['//\\evil.example', '/%5Cevil.example?_t=<id>'],
      ['/%09/evil.example', '/%09/evil.example?_t=<id>'],
      ['/%2F/evil.example', '/%2F/evil.example?_t=<id>'],
      ['/@evil.example', '/@evil.example?_t=<id>'],
      ['/:80@evil.example', '/:80@evil.example?_t=<id>'],
      ['/javascript:alert(1)', '/javascript:alert(1)?_t=<id>'],
      ['/a?next=\\evil.example', '/a?next=\\evil.example&_t=<id>'],
    ])('from %s', async (target, expected) => {
      await using app = await startApp({ ...ANYWHERE, platform });
      const started = await rawRequest(app, target);
      expect(started.status).toBe(303);
      const location = started.headers.location!;
      expect(maskIds(location)).toBe(expected);
      const seen = new URL(location, `${app.origin}/demo`);
      expect(seen.origin).toBe(app.origin);
      expect(seen.searchParams.getAll('_t')).toEqual([idIn(location)]);
      expect((await app.fetch(seen.pathname + seen.search)).status).toBe(200);
      expect((await rawRequest(app, location)).status).toBe(200);
    });

    // Fastify refuses some of them.
    it.each([
      'http://evil.example/a?b=c',
      'http://evil.example/a?b=c#d',
      '/a?b=c#d',
      '/a?b=c#d?_t=e',
    ])('from %s, if it is served at all', async (target) => {
      await using app = await startApp({ ...ANYWHERE, platform });
      const { status, headers } = await rawRequest(app, target);
      if (status >= 400) return expect(platform).toBe('fastify');
      expect(status).toBe(303);
      expect(maskIds(headers.location!)).toBe('/a?b=c&_t=<id>');
      expect((await app.fetch(headers.location!)).status).toBe(200);
    });
  },
);

describe.each(PLATFORMS)('A job on %s', (platform) => {
  it('of a path with a backslash is not shown at the path without', async () => {
    await using app = await startApp({ ...ANYWHERE, platform });
    const { headers } = await rawRequest(app, '/\\reports');
    const elsewhere = headers.location!.replace('%5C', '');
    expect((await app.fetch(elsewhere)).status).toBe(404);
  });
});
