import { expect, it } from '@jest/globals';
import { pollToTheEnd, startAt } from '../support/http.js';
import { startLedger } from '../support/ledger.js';
import { failOnLeaks } from '../support/leaks.js';
import { readAt } from '../support/reader.js';
import { until } from '../support/until.js';
import { removeFiles } from '../transaction/sqlite-app.js';

failOnLeaks();

it('What a job waits for is in every face of it', async () => {
  await using app = await startLedger();
  const location = await startAt(app, '/ledger/row');
  const waits = async (): Promise<Response> => app.fetch(location);
  await until(async () => (await waits()).headers.get('x-job-waits-for') === 'timed query');
  const asJson = { headers: { accept: 'application/json' } };
  const job: unknown = await (await app.fetch(location, asJson)).json();
  expect(job).toMatchObject({
    waitsFor: { what: 'timed query' },
    output: 'Looking for the audit.\n',
  });
  const page = await app.fetch(`${location}&_follow=0`, { headers: { accept: 'text/html' } });
  expect(await page.text()).toMatch(
    /It has waited \d+ s for something to appear in the database\./,
  );
  removeFiles();
});

it('What a job waits for comes as an event when it begins', async () => {
  await using app = await startLedger();
  const location = await startAt(app, '/ledger/job');
  const reader = await readAt(app, location, { accept: 'text/event-stream' });
  await reader.sees('"waitsFor":{"what":"job","name":"Ledger.quarter"');
  reader.leave();
  removeFiles();
});

it('That its changes were undone is in every face of a job that failed', async () => {
  await using app = await startLedger();
  const location = await startAt(app, '/ledger/undone');
  const last = await pollToTheEnd(app, location);
  expect(last.headers.get('x-job-rolled-back')).toBe('true');
  const asJson = { headers: { accept: 'application/json' } };
  expect(await (await app.fetch(location, asJson)).json()).toMatchObject({ rolledBack: true });
  const page = await app.fetch(location, { headers: { accept: 'text/html' } });
  expect(await page.text()).toContain('What it had changed in the database was undone');
  removeFiles();
});
