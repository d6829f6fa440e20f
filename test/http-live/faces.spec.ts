import { describe, expect, it } from '@jest/globals';
import { fakeClock } from '../../src/testing/index.js';
import type { JobEvent } from '../../src/index.js';
import { pollToTheEnd, startAt } from '../support/http.js';
import { failOnLeaks } from '../support/leaks.js';
import { Printer, PRINTER } from '../support/printer.js';
import { readAt, sseFrames } from '../support/reader.js';
import { PLATFORMS, startApp, type TestApp } from '../support/test-app.js';

const SSE = { accept: 'text/event-stream' };
const NDJSON = { accept: 'application/x-ndjson' };
const HTML = { accept: 'text/html' };

failOnLeaks();

describe.each(PLATFORMS)('A job on %s', (platform) => {
  async function printing(
    background = {},
  ): Promise<{ app: TestApp; printer: Printer; location: string }> {
    const app = await startApp({ ...PRINTER, platform, background });
    const location = await startAt(app, '/print');
    const printer = app.get(Printer);
    await printer.started.opened;
    return { app, printer, location };
  }

  it('is followed as plain text, byte for byte, until its end', async () => {
    const { app, printer, location } = await printing();
    printer.job.print('one');
    const reader = await readAt(app, `${location}&_follow=1`);
    expect(reader.response.headers['x-accel-buffering']).toBe('no');
    await reader.sees('one\n');
    printer.job.print('<b>two</b> \u001b[31m');
    await reader.sees('two');
    printer.end.open();
    expect(await reader.ended).toBe(true);
    expect(reader.text).toBe('one\n<b>two</b> \u001b[31m\n');
  });

  it('is polled as text piece by piece, by the number that each answer gives', async () => {
    const { app, printer, location } = await printing();
    printer.job.print('one');
    const first = await app.fetch(location);
    printer.job.print('two');
    const second = await app.fetch(`${location}&_after=${first.headers.get('x-job-next')}`);
    expect([await first.text(), await second.text()]).toEqual(['one\n', 'two\n']);
  });

  it('is followed as server-sent events that no output can forge', async () => {
    const { app, printer, location } = await printing();
    const reader = await readAt(app, location, SSE);
    expect(reader.response.headers['content-type']).toBe('text/event-stream; charset=utf-8');
    printer.job.print('a\n\nevent: state\ndata: {"state":"completed"}\nid: 99\r\n\r\u2028');
    printer.job.setProgress(40, { row: 4 });
    await reader.sees('progress');
    printer.end.open();
    expect(await reader.ended).toBe(true);
    const frames = sseFrames(reader.text);
    expect(frames.map(({ event, id }) => [event, id])).toEqual([
      ['output', '1'],
      ['progress', undefined],
      ['state', '2'],
    ]);
    expect(JSON.parse(frames[2]!.data!)).toMatchObject({
      state: 'completed',
      job: { result: 'done' },
    });
    expect(JSON.parse(frames[0]!.data!)).toMatchObject({ seq: 1, stream: 'stdout' });
  });

  it('sends an EventSource that was cut off what it missed, and one that saw the end 204', async () => {
    const { app, printer, location } = await printing();
    ['one', 'two', 'three'].forEach((line) => printer.job.print(line));
    printer.end.open();
    await pollToTheEnd(app, location);
    const idsAfter = async (id: string): Promise<(string | undefined)[]> => {
      const response = await app.fetch(location, { headers: { ...SSE, 'last-event-id': id } });
      expect(response.status).toBe(200);
      return sseFrames(await response.text()).map((frame) => frame.id);
    };
    expect(await idsAfter('1')).toEqual(['2', '3', '4']);
    expect(await idsAfter('3')).toEqual(['4']);
    const again = await app.fetch(location, { headers: { ...SSE, 'last-event-id': '4' } });
    expect(again.status).toBe(204);
    expect(await again.text()).toBe('');
  });

  it('is followed as one event a line, from the number that is asked for', async () => {
    const { app, printer, location } = await printing();
    ['one', 'two'].forEach((line) => printer.job.print(line));
    const reader = await readAt(app, `${location}&_after=1`, NDJSON);
    await reader.sees('two');
    printer.end.open();
    await reader.ended;
    const events = reader.text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as JobEvent);
    expect(events).toMatchObject([
      { type: 'output', seq: 2, text: 'two\n' },
      { type: 'state', state: 'completed' },
    ]);
  });

  it('is a page that is whole HTML once it is over, with a policy without scripts', async () => {
    const { app, printer, location } = await printing();
    printer.job.print('<script>alert(1)</script> \u001b[32mgreen\u001b[0m');
    printer.end.open();
    await pollToTheEnd(app, location);
    const response = await app.fetch(location, { headers: HTML });
    const policy = response.headers.get('content-security-policy')!;
    const page = await response.text();
    expect(page).toMatch(/^<!doctype html>/);
    expect(page).toMatch(/<\/html>\n$/);
    expect(page).toContain('&lt;script&gt;alert(1)&lt;/script&gt; <span class="ink2">green</span>');
    expect(policy).toMatch(/^default-src 'none'; style-src 'nonce-[^']{22,}'/);
    expect(policy).toContain("base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
    expect(page).toContain(/nonce-([^']+)/.exec(policy)![1]);
  });

  it('is a page that stands still where that is asked for', async () => {
    const { app, location } = await printing();
    const response = await app.fetch(`${location}&_follow=0`, { headers: HTML });
    expect(await response.text()).toContain('This page stands still');
  });

  it.each([
    ['text', 'text/plain'],
    ['json', 'application/json'],
    ['ndjson', 'application/x-ndjson'],
    ['html', 'text/html'],
  ])('is shown as %s by a link, whatever the browser accepts', async (face, type) => {
    const { app, printer, location } = await printing();
    printer.end.open();
    await pollToTheEnd(app, location);
    const response = await app.fetch(`${location}&_as=${face}`, { headers: HTML });
    expect(response.headers.get('content-type')).toBe(`${type}; charset=utf-8`);
    await response.text();
  });

  it.each(['-1', '1e99', 'NaN', 'two', '99999999999999999999', '0x10', '', '1.5', '\u0661'])(
    'shows all output to a reader whose number is none: %s',
    async (after) => {
      const { app, printer, location } = await printing();
      printer.job.print('one');
      printer.end.open();
      await pollToTheEnd(app, location);
      const query = `${location}&_after=${encodeURIComponent(after)}`;
      expect(await (await app.fetch(query)).text()).toBe('one\n');
      const header = after === '\u0661' ? 'x' : after;
      const resumed = await app.fetch(location, { headers: { ...SSE, 'last-event-id': header } });
      expect(sseFrames(await resumed.text())).toHaveLength(2);
    },
  );

  it('shows a reader whose number is too high what comes next', async () => {
    const { app, printer, location } = await printing();
    printer.job.print('one');
    const reader = await readAt(app, location, { ...SSE, 'last-event-id': '4000' });
    printer.job.print('two');
    await reader.sees('two');
    expect(sseFrames(reader.text).map(({ id }) => id)).toEqual(['2']);
    reader.leave();
  });

  it.each([SSE, NDJSON, HTML, { accept: 'text/plain' }])(
    'answers HEAD for %j at once and without a body',
    async (headers) => {
      const { app, location } = await printing();
      const response = await app.fetch(`${location}&_follow=1`, { method: 'HEAD', headers });
      expect(response.status).toBe(200);
      expect(response.headers.get('x-job-state')).toBe('running');
      expect(await response.text()).toBe('');
    },
  );

  it.each([
    [SSE, ': \n\n'],
    [NDJSON, '\n'],
    [HTML, '<!-- -->'],
  ])('keeps an idle connection alive for %j', async (headers, beat) => {
    const clock = fakeClock();
    const { app, location } = await printing({ clock });
    const reader = await readAt(app, location, headers);
    const before = reader.text.length;
    await clock.advance(15_000);
    await reader.sees(beat);
    expect(reader.text.length).toBeGreaterThan(before);
    reader.leave();
  });

  it('ends an open answer after the time it may be held, and lets the reader come back', async () => {
    const clock = fakeClock();
    const { app, printer, location } = await printing({ clock, http: { hold: '20s' } });
    const reader = await readAt(app, location, SSE);
    const page = await readAt(app, location, HTML);
    printer.job.print('one');
    await reader.sees('one');
    await clock.advance(20_000);
    expect(await reader.ended).toBe(true);
    expect(sseFrames(reader.text).map(({ event }) => event)).toEqual(['output']);
    expect(await page.ended).toBe(true);
    expect(page.text).toContain('<meta http-equiv="refresh" content="0">');
    const again = await readAt(app, location, { ...SSE, 'last-event-id': '1' });
    printer.end.open();
    await again.ended;
    expect(sseFrames(again.text).map(({ event }) => event)).toEqual(['state']);
  });
});
