import { createServer, request as httpRequest, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import { fakeClock } from '../../src/testing/index.js';
import { pollToTheEnd, startAt } from '../support/http.js';
import { failOnLeaks } from '../support/leaks.js';
import { Printer, PRINTER } from '../support/printer.js';
import { connect, readAt, readSome, sseFrames } from '../support/reader.js';
import { PLATFORMS, startApp, type TestApp } from '../support/test-app.js';
import { until } from '../support/until.js';

const FACES = [
  { accept: 'text/event-stream' },
  { accept: 'application/x-ndjson' },
  { accept: 'text/html' },
  { accept: 'text/plain' },
];
const BIG = 'x'.repeat(8_000);

failOnLeaks();

describe.each(PLATFORMS)('Those who watch a job on %s', (platform) => {
  async function printing(
    background = {},
  ): Promise<{ app: TestApp; printer: Printer; location: string }> {
    const app = await startApp({ ...PRINTER, platform, background });
    const location = `${await startAt(app, '/print')}&_follow=1`;
    const printer = app.get(Printer);
    await printer.started.opened;
    return { app, printer, location };
  }

  it('never slow the job, even a hundred of them who never read', async () => {
    const { app, printer, location } = await printing();
    const idle = await Promise.all(
      Array.from({ length: 100 }, (_, index) => connect(app, location, FACES[index % 4])),
    );
    for (let line = 0; line < 500; line++) printer.job.print(BIG);
    printer.end.open();
    const last = await pollToTheEnd(app, location.replace('&_follow=1', ''));
    const text = await last.text();
    expect(text.length).toBeLessThan(1.2 * 1024 * 1024);
    expect(text).toMatch(/\n\[\.\.\. \d+ bytes of output dropped \.\.\.\]\n/);
    idle.forEach(({ sent }) => sent.destroy());
  });

  it('are told what they missed where they were too slow', async () => {
    const { app, printer, location } = await printing({ output: { maxBytes: 20_000 } });
    const reader = await readAt(app, location, FACES[0]);
    printer.job.print('first');
    await reader.sees('first');
    for (let line = 0; line < 100; line++) printer.job.print('%s', line, 'y'.repeat(1_000));
    printer.end.open();
    await reader.ended;
    const events = sseFrames(reader.text).map(({ data }) => JSON.parse(data!) as object);
    expect(events.filter((event) => 'dropped' in event)).toHaveLength(1);
    expect(reader.text).toContain('99 yyy');
  });

  it('may leave in the middle of a frame', async () => {
    const { app, printer, location } = await printing();
    for (const headers of FACES) {
      printer.job.print(BIG);
      await readSome(app, location, headers, 500);
    }
    printer.end.open();
    const last = await pollToTheEnd(app, location.replace('&_follow=1', ''));
    expect(last.headers.get('x-job-state')).toBe('completed');
    expect(app.log.lines.filter(({ level }) => level === 'error')).toEqual([]);
  });

  it.each(FACES)('are let go when the application stops, as %j', async (headers) => {
    const { app, printer, location } = await printing();
    printer.job.print('one');
    const reader = await readAt(app, location, headers);
    await reader.sees('one');
    await app.app.close();
    expect(await reader.ended).toBe(true);
    // The state of a job that was given up is told before the end.
    if (headers.accept !== 'text/plain') expect(reader.text).toMatch(/failed|Failed/);
  });

  it('cannot keep the application from stopping by not reading', async () => {
    const { app, printer, location } = await printing();
    const idle = await Promise.all(FACES.map((headers) => connect(app, location, headers)));
    for (let line = 0; line < 1_000; line++) printer.job.print(BIG);
    await app.app.close();
    idle.forEach(({ sent }) => sent.destroy());
  });

  it('are given up when they take nothing for two minutes', async () => {
    const clock = fakeClock();
    const output = { maxBytes: 64 * 1024 * 1024 };
    const { app, printer, location } = await printing({ clock, output });
    const { sent } = await connect(app, location, FACES[0]);
    const server = app.app.getHttpServer() as Server;
    // Looked at from the server's side: a client that does not read does not notice.
    const connections = (): Promise<number> =>
      new Promise((resolve) => server.getConnections((_error, count) => resolve(count)));
    const before = await connections();
    for (let line = 0; line < 4_000; line++) printer.job.print(BIG);
    await until(async () => {
      await clock.advance(60_000);
      return (await connections()) < before;
    });
    sent.destroy();
  });

  it('see the page even through a proxy that collects all of it, if it may not be held for long', async () => {
    const { app, printer, location } = await printing({ http: { hold: 50 } });
    printer.job.print('one');
    const proxy = await collectingProxy(app);
    const { port } = proxy.address() as AddressInfo;
    const page = await fetch(`http://127.0.0.1:${port}${location}`, { headers: FACES[2] });
    const text = await page.text();
    expect(text).toContain('one');
    expect(text).toContain('http-equiv="refresh"');
    proxy.closeAllConnections();
    await new Promise((resolve) => proxy.close(resolve));
  });
});

/** Passes an answer on when it has all of it. */
async function collectingProxy(app: TestApp): Promise<Server> {
  const proxy = createServer((asked, answer) => {
    const { headers, url } = asked;
    const passed = httpRequest(app.origin + url!, { headers, agent: false }, (response) => {
      const pieces: Buffer[] = [];
      response.on('data', (piece: Buffer) => pieces.push(piece));
      response.on('end', () => answer.end(Buffer.concat(pieces)));
    });
    passed.end();
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  return proxy;
}
