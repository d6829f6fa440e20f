import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { Browser } from 'playwright-core';
import { describeInBrowser, startBrowser, withPage } from '../support/browser.js';
import { HOSTILE } from '../support/hostile.js';
import { pollToTheEnd, startAt } from '../support/http.js';
import { Printer, PRINTER } from '../support/printer.js';
import { startApp, type TestApp } from '../support/test-app.js';

interface Found {
  name: string;
  attributes: string[];
  href: string | null;
}

const FACES = ['html', 'text', 'json', 'sse', 'ndjson'];
const ELEMENTS = ['span', 'a', 'b'];
const ATTRIBUTES = ['slot', 'class', 'href', 'rel', 'target'];

describeInBrowser('Hostile output, in a browser that runs scripts', () => {
  let browser: Browser;
  let app: TestApp;
  const locations: string[] = [];

  beforeAll(async () => {
    browser = await startBrowser();
    const output = { maxBytes: 16 * 1024 * 1024, console: 'capture' } as const;
    app = await startApp({ ...PRINTER, background: { output } });
    for (const result of [HOSTILE, new Error(HOSTILE.join('\n'))]) {
      const printer = app.get(Printer);
      printer.result = result;
      const location = await startAt(app, '/cancellable');
      await printer.started.opened;
      // As progress too: whatever stands in it is shown.
      HOSTILE.forEach((text) => printer.job.print('%s', text));
      printer.job.setProgress(50, HOSTILE.filter((text) => text.length < 100).join(' '));
      printer.end.open();
      await pollToTheEnd(app, location);
      locations.push(location);
    }
  }, 60_000);

  afterAll(async () => {
    await browser?.close();
    await app?.[Symbol.asyncDispose]();
  });

  // Without the policy too: escaping alone must be enough.
  it.each(FACES.flatMap((face) => [true, false].map((bypassCSP) => [face, bypassCSP] as const)))(
    'runs nothing, forges nothing and asks for nothing, as %s, with the policy left out: %s',
    async (face, bypassCSP) => {
      for (const location of locations) {
        await withPage(
          browser,
          async (page) => {
            const asked: string[] = [];
            page.on('request', (request) => asked.push(request.url()));
            const surprises: string[] = [];
            page.on('dialog', (dialog) => surprises.push(dialog.message()));
            page.on('pageerror', (error) => surprises.push(error.message));
            page.on('download', (download) => surprises.push(download.url()));
            const url = `${app.origin}${location}&_as=${face}`;
            // Some of these are no documents, and are offered as a download.
            await page.goto(url).catch(() => undefined);
            await page.mouse.move(100, 100);
            await page.keyboard.press('Tab');
            await page.waitForLoadState('networkidle');
            expect(
              asked.filter((address) => address !== url && !address.endsWith('/favicon.ico')),
            ).toEqual([]);
            if (face === 'html' || face === 'text' || face === 'json')
              expect(surprises).toEqual([]);
            expect(
              await page.evaluate(
                'document.querySelectorAll("script,iframe,img,svg,object,embed,link,base").length',
              ),
            ).toBe(0);
          },
          { javaScriptEnabled: true, bypassCSP },
        );
      }
    },
    60_000,
  );

  it('becomes nothing but text, links and colours', async () => {
    await withPage(
      browser,
      async (page) => {
        await page.goto(`${app.origin}${locations[0]}&_as=html`);
        const found = await page.evaluate<Found[]>(`
          [...document.querySelectorAll('main > [slot=log], main > [slot=log] *')].map((element) => ({
            name: element.localName,
            attributes: [...element.attributes].map(({ name }) => name),
            href: element.getAttribute('href'),
          }))`);
        expect(found.length).toBeGreaterThan(10);
        for (const { name, attributes, href } of found) {
          expect(ELEMENTS).toContain(name);
          attributes.forEach((attribute) => expect(ATTRIBUTES).toContain(attribute));
          if (href !== null) expect(href).toMatch(/^https?:\/\/[^@]*$/);
        }
        const log = await page.locator('main > [slot=log]').allTextContents();
        expect(log.join('')).toContain('<script>fetch("/pwned")</script>');
      },
      { javaScriptEnabled: true, bypassCSP: true },
    );
  }, 60_000);
});
