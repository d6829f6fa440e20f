import { connect, type ClientHttp2Session, type IncomingHttpHeaders } from 'node:http2';
import { afterEach, describe, expect, it } from '@jest/globals';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { failOnLeaks } from '../support/leaks.js';
import { Printer, PRINTER } from '../support/printer.js';
import { startApp, type TestApp } from '../support/test-app.js';
import { until } from '../support/until.js';

failOnLeaks();

interface Answer {
  readonly headers: IncomingHttpHeaders;
  readonly text: () => string;
  readonly ended: Promise<void>;
  leave(): void;
}

/** One stream of the session; its head is there, the rest comes. */
async function ask(
  session: ClientHttp2Session,
  path: string,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const stream = session.request({ ':path': path, ...headers });
  let text = '';
  stream.setEncoding('utf8');
  stream.on('data', (piece: string) => (text += piece));
  stream.on('error', () => {});
  const ended = new Promise<void>((resolve) => stream.once('close', resolve));
  const head = await new Promise<IncomingHttpHeaders>((resolve) =>
    stream.once('response', resolve),
  );
  return { headers: head, text: () => text, ended, leave: () => stream.destroy() };
}

describe('A job over HTTP/2', () => {
  let session: ClientHttp2Session | undefined;
  afterEach(() => session?.destroy());

  async function start(): Promise<{ app: TestApp; session: ClientHttp2Session }> {
    const adapter = new FastifyAdapter({ http2: true } as object);
    const app = await startApp({ ...PRINTER, adapter });
    session = connect(app.origin);
    session.on('error', () => {});
    return { app, session };
  }

  it('is started, and watched in every face as over HTTP/1.1', async () => {
    const { app, session } = await start();
    const started = await ask(session, '/print');
    expect(started.headers[':status']).toBe(303);
    const location = started.headers.location!;
    const printer = app.get(Printer);
    await printer.started.opened;
    printer.job.print('first');
    const faces = {
      'text/event-stream': 'event: output',
      'application/x-ndjson': '"type":"output"',
      'text/html': 'first',
      'text/plain': 'first',
    };
    const answers = await Promise.all(
      Object.keys(faces).map((accept) => ask(session, `${location}&_follow=1`, { accept })),
    );
    for (const [index, { headers, text }] of answers.entries()) {
      expect(headers[':status']).toBe(200);
      expect(headers).toMatchObject({ 'x-job-state': 'running', 'x-accel-buffering': 'no' });
      for (const name of ['connection', 'transfer-encoding', 'keep-alive']) {
        expect(headers).not.toHaveProperty(name);
      }
      await until(() => text().includes(Object.values(faces)[index]!));
    }
    printer.job.print('last');
    printer.end.open();
    for (const { ended, text } of answers) {
      await ended;
      expect(text()).toContain('last');
    }
    const json = await ask(session, location, { accept: 'application/json' });
    await json.ended;
    expect(JSON.parse(json.text())).toMatchObject({ done: true, output: 'first\nlast\n' });
  });

  it('is left by one reader while another reads on over the same connection', async () => {
    const { app, session } = await start();
    const { location } = (await ask(session, '/print')).headers;
    const printer = app.get(Printer);
    await printer.started.opened;
    const accept = 'text/event-stream';
    const [leaving, staying] = await Promise.all([
      ask(session, location!, { accept }),
      ask(session, location!, { accept }),
    ]);
    leaving.leave();
    await leaving.ended;
    printer.job.print('after');
    await until(() => staying.text().includes('after'));
    printer.end.open();
    await staying.ended;
    expect(staying.text()).toContain('"completed"');
  });

  it('does not keep the application from stopping', async () => {
    const { app, session } = await start();
    const { location } = (await ask(session, '/print')).headers;
    const reader = await ask(session, location!, { accept: 'text/event-stream' });
    const closing = app[Symbol.asyncDispose]();
    await reader.ended;
    session.close();
    await closing;
    expect(reader.text()).toContain('"state":"failed"');
  });
});
