import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import type { Browser } from 'playwright-core';
import { violations } from '../support/accessibility.js';
import { describeInBrowser, startBrowser, withPage } from '../support/browser.js';
import { startDashboard, startHostile } from '../support/dashboard.js';
import { startAt } from '../support/http.js';
import { Show } from '../support/show.js';
import { closeApps, PLATFORMS, type TestApp, type TestAppOptions } from '../support/test-app.js';
import { until } from '../support/until.js';

const WIDE = { width: 1400, height: 900 };
/** The narrowest window with a table in it. */
const NARROW = { width: 1281, height: 900 };
const PHONE = { width: 360, height: 740 };

afterEach(closeApps);

/** Jobs in every state. */
async function startAll(options: TestAppOptions = {}): Promise<TestApp> {
  const app = await startDashboard({ background: { concurrency: 5 }, ...options });
  const show = app.get(Show);
  await startAt(app, '/show/failed');
  await startAt(app, '/show/retried');
  await until(async () => (await app.service.counts()).running === 2);
  show.gate.open();
  await until(async () => (await app.service.counts()).running === 0);
  Object.assign(show, { gate: { opened: new Promise(() => {}) } });
  for (const path of [
    'scheduled',
    'running',
    'counting',
    'waiting',
    'queued',
    'queued',
    'scheduled',
  ]) {
    await startAt(app, `/show/${path}`);
  }
  await until(async () => {
    const { running, queued } = await app.service.counts();
    return running === 5 && queued > 0;
  });
  const [scheduled] = await app.service.list({ state: 'scheduled', name: 'Show.single' });
  await app.service.cancel(scheduled!.id, 'no longer needed');
  return app;
}

describeInBrowser('The table of jobs', () => {
  let browser: Browser;

  beforeAll(async () => {
    browser = await startBrowser();
  });
  afterAll(() => browser?.close());

  // Colours and widths have nothing to do with each other: each once is enough.
  it.each([
    { viewport: WIDE, colorScheme: 'light' },
    { viewport: NARROW, colorScheme: 'dark' },
    { viewport: PHONE, colorScheme: 'light' },
  ] as const)(
    'can be used by everybody: %j',
    async (options) => {
      const app = await startAll();
      const { id } = (await app.service.list({ state: 'failed' }))[0]!;
      const { id: parent } = (await app.service.list({ name: 'Show.import' }))[0]!;
      const parts = ['', '?name=Show.index&limit=1', '?state=running', '?name=none'];
      for (const part of [...parts, `?_t=${id}`, `?_t=${parent}&_follow=0`]) {
        await withPage(
          browser,
          async (page) => {
            await page.goto(`${app.origin}/jobs${part}`);
            expect([part, ...(await violations(page))]).toEqual([part]);
            const isTooWide = 'document.documentElement.scrollWidth > innerWidth';
            expect([part, await page.evaluate(isTooWide)]).toEqual([part, false]);
          },
          { javaScriptEnabled: true, bypassCSP: true, ...options },
        );
      }
    },
    60_000,
  );

  it.each([WIDE, PHONE])(
    'is a table for screen readers however wide the window is: %j',
    async (viewport) => {
      const app = await startAll();
      await withPage(
        browser,
        async (page) => {
          await page.goto(`${app.origin}/jobs`);
          const tree = await page.locator('body').ariaSnapshot();
          expect(tree).toMatch(/table "Background jobs"/);
          expect(tree).toMatch(/row "Job State Attempt Progress Created Started Finished Action"/);
          expect(tree).toMatch(/rowheader "Show.fail \w+"/);
          expect(tree).toMatch(/button "Retry Show.fail \w+"/);
        },
        { viewport },
      );
    },
    60_000,
  );

  it.each(PLATFORMS)(
    'is worked without a script, on %s: filtered, cancelled, run again',
    async (platform) => {
      const app = await startAll({ platform });
      await withPage(browser, async (page) => {
        await page.goto(`${app.origin}/jobs`);
        await page.getByRole('link', { name: 'Failed 1' }).click();
        await page.getByRole('button', { name: /^Retry Show.fail/ }).click();
        expect(page.url()).toBe(`${app.origin}/jobs?state=failed`);
        await page.getByText('No jobs.').waitFor();

        await page.getByRole('link', { name: /^All / }).click();
        await page.getByLabel('Name').fill('Show.count');
        await page.getByRole('button', { name: 'Filter' }).click();
        await page.getByRole('link', { name: /^Show.count/ }).click({ noWaitAfter: true });
        await page.getByRole('button', { name: 'Cancel this job' }).click();
        await page.getByText('asked for on the dashboard').waitFor();
        await page.getByRole('button', { name: 'Run it again' }).click({ noWaitAfter: true });
        await until(
          async () => (await app.service.list({ name: 'Show.count' }))[0]?.state !== 'cancelled',
        );
        await page.getByRole('link', { name: 'All jobs' }).click();
        await page.getByRole('heading', { name: 'Background jobs named Show.count' }).waitFor();
      });
    },
    60_000,
  );

  it.each([true, false])(
    'runs nothing of what jobs are named, report and throw, with the policy left out: %s',
    async (bypassCSP) => {
      const app = await startHostile();
      await withPage(
        browser,
        async (page) => {
          const asked: string[] = [];
          page.on('request', (request) => asked.push(request.url()));
          const url = `${app.origin}/jobs?limit=1000`;
          await page.goto(url);
          await page.keyboard.press('Tab');
          await page.waitForLoadState('networkidle');
          const others = asked.filter((address) => address !== url && !/favicon/.test(address));
          expect(others).toEqual([]);
        },
        { javaScriptEnabled: true, bypassCSP },
      );
    },
    60_000,
  );
});
