import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import type { Browser, Page } from 'playwright-core';
import { describeInBrowser, startBrowser, withPage } from '../support/browser.js';
import { startAt } from '../support/http.js';
import { Printer, PRINTER } from '../support/printer.js';
import { Show, ShowController } from '../support/show.js';
import { closeApps, PLATFORMS, startApp } from '../support/test-app.js';

afterEach(closeApps);

const SHOW = { controllers: [ShowController], providers: [Show] };

/** What somebody sees, parts that are hidden left out, in the order of the page. */
const seen = (page: Page): Promise<string> => page.locator('main').innerText();

describeInBrowser('The page of a job, in a browser without JavaScript', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await startBrowser();
  });
  afterAll(() => browser?.close());

  it.each(PLATFORMS)(
    'fills while the job runs, and ends with it, on %s',
    async (platform) => {
      await using app = await startApp({ ...PRINTER, platform });
      await withPage(browser, async (page) => {
        // Not the end of the page: that comes with the end of the job.
        await page.goto(`${app.origin}/cancellable`, { waitUntil: 'commit' });
        const printer = app.get(Printer);
        await page.getByText('Running').first().waitFor();
        await page.getByText('No output.').waitFor();
        printer.job.print('the first line');
        await page.getByText('the first line').waitFor();
        expect(await page.getByText('No output.').isVisible()).toBe(false);
        printer.job.setProgress(25, 'a quarter');
        await page.getByText('a quarter').waitFor();
        printer.job.setProgress(75, 'three quarters');
        printer.job.print('the second line');
        await page.getByText('three quarters').first().waitFor();
        expect(await page.getByText('a quarter').first().isVisible()).toBe(false);
        expect(await page.locator('progress:visible').getAttribute('value')).toBe('75');
        const parts = await page.locator('[slot=now]:visible').count();
        expect(parts).toBe(1);
        printer.end.open();
        await page.getByText('Completed').first().waitFor();
        await page.waitForLoadState('load');
        expect(await page.locator('[slot=now]:visible').innerText()).toMatch(/Completed/);
        expect(await page.getByRole('button').count()).toBe(0);
        const lines = await page.locator('main > [slot=log]').allTextContents();
        expect(lines.join('')).toBe('the first line\nthe second line\n');
      });
    },
    30_000,
  );

  it('has its parts where they belong, in whichever order they came', async () => {
    await using app = await startApp(SHOW);
    const location = await startAt(app, '/show/running');
    await withPage(browser, async (page) => {
      await page.goto(app.origin + location, { waitUntil: 'commit' });
      await page.getByText('index of orders').waitFor();
      await page.getByText('skipped').waitFor();
      const top = async (text: string): Promise<number> =>
        (await page.getByText(text).locator('visible=true').first().boundingBox())!.y;
      const order = ['Show.import', 'Running', 'Cancel this job', 'Jobs that it started', 'Output'];
      const tops = [];
      for (const text of [...order, 'skipped', 'This page follows']) tops.push(await top(text));
      expect(tops).toEqual([...tops].sort((a, b) => a - b));
    });
  }, 30_000);

  it('keeps the last lines in sight as more are printed', async () => {
    await using app = await startApp(PRINTER);
    const location = await startAt(app, '/print');
    const printer = app.get(Printer);
    await withPage(browser, async (page) => {
      await page.goto(app.origin + location, { waitUntil: 'commit' });
      for (let line = 1; line <= 200; line++) printer.job.print(`line ${line}`);
      await page.getByText('line 200').waitFor();
      const log = (await page.locator('[role=log]').boundingBox())!;
      // Only the end of the output is within the box.
      const end = await page.locator('[role=log] .lines').boundingBox();
      expect(end!.height).toBeGreaterThan(log.height);
      expect(Math.abs(end!.y + end!.height - (log.y + log.height))).toBeLessThan(30);
      printer.end.open();
    });
  }, 30_000);

  it('cancels by its button, and leads back', async () => {
    await using app = await startApp(PRINTER);
    await withPage(browser, async (page) => {
      await page.goto(`${app.origin}/cancellable`, { waitUntil: 'commit' });
      await page.getByText('Running').first().waitFor();
      await page.getByRole('button', { name: 'Cancel this job' }).click({ noWaitAfter: true });
      await page.getByText('Cancelled').first().waitFor();
      expect(new URL(page.url()).searchParams.has('_cancel')).toBe(false);
      expect(await page.getByRole('button').count()).toBe(0);
    });
  }, 30_000);

  it('says so when the application stops before the job is over', async () => {
    await using app = await startApp({ ...PRINTER, background: { http: { hold: '1h' } } });
    await withPage(browser, async (page) => {
      await page.goto(`${app.origin}/print`, { waitUntil: 'commit' });
      await page.getByText('Running').first().waitFor();
      await app.app.close();
      await page.getByText('Failed').first().waitFor();
      expect(await seen(page)).toContain('shutting down');
    });
  }, 30_000);

  it.each([320, 375, 1280])(
    'needs no scrolling sideways at %i px',
    async (width) => {
      await using app = await startApp(PRINTER);
      const location = await startAt(app, '/cancellable');
      const printer = app.get(Printer);
      await printer.started.opened;
      printer.job.print('w'.repeat(2_000));
      printer.job.setProgress(10, { veryLong: 'n'.repeat(150) });
      printer.result = new Error('e'.repeat(500));
      printer.end.open();
      const options = { viewport: { width, height: 700 } };
      await withPage(
        browser,
        async (page) => {
          await page.goto(app.origin + location);
          const box = (await page.locator('main').boundingBox())!;
          expect(box.x).toBeGreaterThanOrEqual(0);
          expect(box.width).toBeLessThanOrEqual(width);
          const shot = await page.screenshot({ fullPage: true });
          // The width stands in the head of a PNG.
          expect(shot.readUInt32BE(16)).toBe(width);
        },
        options,
      );
    },
    30_000,
  );
});
