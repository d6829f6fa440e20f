import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import type { Browser } from 'playwright-core';
import { violations } from '../support/accessibility.js';
import { describeInBrowser, startBrowser, withPage } from '../support/browser.js';
import { pollToTheEnd, startAt } from '../support/http.js';
import { startLedger } from '../support/ledger.js';
import { removeFiles } from '../transaction/sqlite-app.js';
import { Show, ShowController } from '../support/show.js';
import { closeApps, startApp, type TestApp } from '../support/test-app.js';
import { until } from '../support/until.js';

const SHOW = {
  ...{ controllers: [ShowController], providers: [Show] },
  background: { output: { console: 'capture' } },
} as const;

interface State {
  path: string;
  says: string;
  over?: boolean;
  busy?: boolean;
  /** One of the jobs that have to do with a database. */
  ledger?: boolean;
}

/** How a job gets into a state, and what its page says then. */
const STATES: Record<string, State> = {
  scheduled: { path: 'scheduled', says: 'Scheduled' },
  queued: { path: 'queued', says: 'Queued', busy: true },
  running: { path: 'running', says: 'Running' },
  counting: { path: 'counting', says: 'lines read' },
  'waiting for its next attempt': { path: 'waiting', says: 'tried again' },
  'running again': { path: 'retried', says: 'attempt 3' },
  completed: { path: 'running', says: 'Completed', over: true },
  failed: { path: 'stack', says: 'Failed', over: true },
  cancelled: { path: 'scheduled', says: 'Cancelled', over: true },
  'changing the database': { path: 'writing', says: 'have been open for', ledger: true },
  'waiting for another job': { path: 'job', says: 'to end: Ledger.quarter', ledger: true },
  'waiting for its turn to write': { path: 'turn', says: 'its turn to write', ledger: true },
  'waiting for a row': { path: 'row', says: 'appear in the database', ledger: true },
  'failed and undone': { path: 'undone', says: 'was undone', ledger: true },
  'undone and to be tried again': { path: 'again', says: 'was undone', ledger: true },
};

afterEach(closeApps);
afterEach(removeFiles);

describeInBrowser('The page of a job', () => {
  let browser: Browser;

  beforeAll(async () => {
    browser = await startBrowser();
  });
  afterAll(() => browser?.close());

  async function open(name: string): Promise<{ app: TestApp; location: string }> {
    const { path, over, busy, ledger } = STATES[name]!;
    if (ledger) {
      const app = await startLedger();
      if (path === 'turn') await startAt(app, '/ledger/writing');
      return { app, location: await startAt(app, `/ledger/${path}`) };
    }
    const background = { ...SHOW.background, ...(busy ? { concurrency: 1 } : {}) };
    const app = await startApp({ ...SHOW, background });
    if (busy) await startAt(app, '/show/counting');
    const location = await startAt(app, `/show/${path}`);
    if (!over) return { app, location };
    app.get(Show).gate.open();
    app.get(Show).childGate.open();
    if (name === 'cancelled') await app.fetch(`${location}&_cancel=1`, { method: 'POST' });
    await pollToTheEnd(app, location);
    await until(async () => (await app.service.counts()).running === 0);
    return { app, location };
  }

  it.each(Object.keys(STATES))(
    'can be used by everybody while the job is %s',
    async (name) => {
      const { app, location } = await open(name);
      await withPage(
        browser,
        async (page) => {
          await page.goto(app.origin + location, { waitUntil: 'commit' });
          await page.getByText(STATES[name]!.says).locator('visible=true').first().waitFor();
          for (const colorScheme of ['light', 'dark'] as const) {
            await page.emulateMedia({ colorScheme });
            expect([colorScheme, ...(await violations(page))]).toEqual([colorScheme]);
          }
        },
        { javaScriptEnabled: true, bypassCSP: true },
      );
    },
    60_000,
  );

  it('tells a screen reader of the state in one place, and reads it before the output', async () => {
    const { app, location } = await open('completed');
    await withPage(browser, async (page) => {
      await page.goto(app.origin + location);
      const tree = await page.locator('body').ariaSnapshot();
      expect(tree).toMatch(/heading "Show.import" \[level=1\]/);
      expect(tree.indexOf('Completed')).toBeLessThan(tree.indexOf('log "Output"'));
      expect(tree).toMatch(/status:\s+- paragraph: Completed\./);
      expect(tree).toContain('progressbar "Progress"');
    });
  }, 60_000);
});
