import { toUSVString } from 'node:util';
import { beforeAll, afterAll, describe, expect, it } from '@jest/globals';
import type { JobEvent } from '../../src/index.js';
import { AnsiText } from '../../src/http/page/ansi.js';
import { escape } from '../../src/http/page/html.js';
import { HOSTILE } from '../support/hostile.js';
import { pollToTheEnd, startAt } from '../support/http.js';
import { Printer, PRINTER } from '../support/printer.js';
import { sseFrames } from '../support/reader.js';
import { PLATFORMS, startApp, type TestApp } from '../support/test-app.js';

const PRINTED = HOSTILE.map((text) => `${text}\n`).join('');
/** What the log of a page may be made of, and nothing else. */
const HARMLESS =
  /<\/?(?:span(?: class="[a-z0-9 -]+")?|a(?: href="https?:\/\/[^"<>]*" rel="noopener noreferrer nofollow ugc" target="_blank")?)>/g;

describe('The corpus of hostile outputs', () => {
  it('has more than a hundred', () => {
    expect(HOSTILE.length).toBeGreaterThanOrEqual(100);
  });

  it.each(HOSTILE.map((text) => [text.slice(0, 60), text]))(
    'becomes harmless HTML: %j',
    (_name, text) => {
      const html = new AnsiText().html(`${text}\n`);
      const rest = html.replace(HARMLESS, '');
      expect(rest).not.toMatch(/[<>"']/);
      expect(rest.replace(/&(?:amp|lt|gt|quot|#39);/g, '')).not.toContain('&');
      expect(html).not.toMatch(
        /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/,
      );
      expect(toUSVString(html)).toBe(html);
    },
  );

  it('is text again when HTML is read back, but for what no text may have', () => {
    expect(escape('a<b>&"\'\u0000\u202e\ud800')).toBe('a&lt;b&gt;&amp;&quot;&#39;\ufffd\ufffd');
  });
});

describe.each(PLATFORMS)('A job that prints all of it, on %s', (platform) => {
  let app: TestApp;
  let location: string;

  beforeAll(async () => {
    const output = { maxBytes: 16 * 1024 * 1024, console: 'capture' } as const;
    app = await startApp({ ...PRINTER, platform, background: { output } });
    location = await startAt(app, '/print');
    const printer = app.get(Printer);
    await printer.started.opened;
    HOSTILE.forEach((text) => printer.job.print('%s', text));
    printer.job.setProgress(50, HOSTILE);
    printer.result = HOSTILE;
    printer.end.open();
    await pollToTheEnd(app, location);
  });

  afterAll(async () => app[Symbol.asyncDispose]());

  const read = async (accept: string): Promise<string> =>
    (await app.fetch(location, { headers: { accept } })).text();
  const outputOf = (events: JobEvent[]): string =>
    events.map((event) => (event.type === 'output' ? event.text : '')).join('');

  it('is the same byte for byte as text', async () => {
    // As bytes: what decodes them to a text would take a byte order mark away.
    const bytes = await (await app.fetch(location)).arrayBuffer();
    expect(Buffer.from(bytes).equals(Buffer.from(PRINTED))).toBe(true);
  });

  it('is the same as JSON', async () => {
    const { output } = JSON.parse(await read('application/json')) as { output: string };
    expect(output === PRINTED).toBe(true);
  });

  it('is the same as events, of which it forges none', async () => {
    const frames = sseFrames(await read('text/event-stream'));
    const events = frames.map(({ data }) => JSON.parse(data!) as JobEvent);
    expect(outputOf(events) === PRINTED).toBe(true);
    expect(frames.filter(({ event }) => event === 'state')).toHaveLength(1);
    expect(frames.every(({ event }, index) => event === events[index]!.type)).toBe(true);
  });

  it('is the same as lines, of which it forges none', async () => {
    const lines = (await read('application/x-ndjson')).trim().split('\n');
    const events = lines.map((line) => JSON.parse(line) as JobEvent);
    expect(outputOf(events) === PRINTED).toBe(true);
    expect(events.filter(({ type }) => type === 'state')).toHaveLength(1);
  });
});
