import { toUSVString } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { nameFrom, startHostile } from '../support/dashboard.js';
import { HOSTILE } from '../support/hostile.js';
import { PLATFORMS, type TestApp } from '../support/test-app.js';

/** Every element of a page of the table, with the attributes that it may have. */
const ELEMENT = /<(\/?[a-z0-9]+|!doctype)((?: [a-z-]+(?:="[^"<>]*")?)*)>/g;
const NAMES = (
  '!doctype html head meta title style body main header h1 nav ul li a b span form label input datalist option button ' +
  'table thead tbody tr th td code time progress div footer p'
).split(' ');

/** What a browser can send, and a server takes. */
const FOR_URLS = HOSTILE.filter((text) => text.length < 1000 && toUSVString(text) === text);

describe.each(PLATFORMS)(
  'The table of jobs with hostile names, errors and data, on %s',
  (platform) => {
    let app: TestApp;

    beforeAll(async () => {
      app = await startHostile(platform);
    });
    afterAll(async () => app[Symbol.asyncDispose]());

    it('is made of its own elements alone', async () => {
      const page = await (await app.fetch('/jobs?_as=html&limit=1000')).text();
      const [, body] = page.replace(/<style.*?<\/style>/s, '').split('<body>');
      for (const [, name, attributes] of body!.matchAll(ELEMENT)) {
        expect(NAMES).toContain(name!.replace('/', ''));
        const given = attributes!.replace(/"[^"]*"/g, '');
        expect(given).not.toMatch(/ (on\w+|style|src|srcdoc|formaction|target)=/);
      }
      const rest = body!.replace(ELEMENT, '');
      expect(rest).not.toMatch(/[<>"]/);
      expect(rest).not.toMatch(
        /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/,
      );
      expect(body).toContain('&lt;script&gt;fetch(&quot;/pwned&quot;)&lt;/script&gt;');
      const addresses = [...body!.matchAll(/ (?:href|action)="([^"]*)"/g)].map(([, url]) => url);
      addresses.forEach((address) => expect(address).toMatch(/^\/jobs(\?|$)/));
    });

    it('is a value in JSON, byte for byte', async () => {
      const answer = await app.fetch('/jobs?limit=1000');
      expect(answer.headers.get('content-security-policy')).toContain("default-src 'none'");
      const { jobs } = (await answer.json()) as { jobs: { name: string }[] };
      const names = jobs.map(({ name }) => name);
      for (const text of HOSTILE) expect(names).toContain(nameFrom(text));
    });

    it.each(['name', 'other'])('nor is anything made of what its URL says: %s', async (param) => {
      for (const text of FOR_URLS) {
        const url = `/jobs?_as=html&state=completed&${param}=${encodeURIComponent(text)}`;
        const answer = await app.fetch(url);
        if (param === 'name' && text.includes('\0')) {
          expect(answer.status).toBe(400);
          continue;
        }
        const page = await answer.text();
        const [, body] = page.replace(/<style.*?<\/style>/s, '').split('<body>');
        const rest = body!.replace(ELEMENT, '');
        expect(rest).not.toMatch(/[<>"]/);
      }
    });
  },
);

describe.each(PLATFORMS)('An address that is no path of ours, on %s', (platform) => {
  it.each(['//evil.example/..%2fjobs', '/jobs?//evil.example', '/jobs?_as=html&x=//evil.example'])(
    'never becomes a link to elsewhere: %s',
    async (target) => {
      await using app = await startHostile(platform, []);
      const page = await (await app.fetch(target, { headers: { accept: 'text/html' } })).text();
      expect(page).not.toMatch(/(?:href|action)="(?!\/jobs)/);
    },
  );
});
