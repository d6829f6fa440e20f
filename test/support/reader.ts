import { request, type ClientRequest, type IncomingMessage } from 'node:http';
import type { TestApp } from './test-app.js';
import { until } from './until.js';

/** An answer that is read as it comes. */
export interface Reader {
  readonly response: IncomingMessage;
  readonly text: string;
  /** Fulfilled when the answer has ended; with whether it ended as it should. */
  readonly ended: Promise<boolean>;
  /** Waits until the text is as wanted. */
  sees(what: string): Promise<void>;
  leave(): void;
}

/** Opens an answer and reads on. */
export async function readAt(
  app: TestApp,
  path: string,
  headers: Record<string, string> = {},
): Promise<Reader> {
  const { sent, response } = await connect(app, path, headers);
  let text = '';
  response.setEncoding('utf8');
  response.on('data', (piece: string) => (text += piece));
  const ended = new Promise<boolean>((resolve) => {
    response.on('error', () => {});
    response.once('close', () => resolve(response.complete));
  });
  return {
    response,
    get text() {
      return text;
    },
    ended,
    sees: (what) => until(() => text.includes(what), `"${what}" at ${path}`),
    leave: () => sent.destroy(),
  };
}

/** Opens an answer and reads nothing of it. */
export async function connect(
  app: TestApp,
  path: string,
  headers: Record<string, string> = {},
): Promise<{ sent: ClientRequest; response: IncomingMessage }> {
  const sent = request(app.origin + path, { headers, agent: false });
  sent.on('error', () => {});
  sent.end();
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    sent.once('response', resolve);
    sent.once('error', reject);
  });
  return { sent, response };
}

/** The bytes of an answer up to so many; then the connection is cut. */
export async function readSome(
  app: TestApp,
  path: string,
  headers: Record<string, string>,
  bytes: number,
): Promise<{ body: Buffer; response: IncomingMessage }> {
  const { sent, response } = await connect(app, path, headers);
  const pieces: Buffer[] = [];
  let left = bytes;
  await new Promise<void>((resolve) => {
    response.on('error', () => {});
    response.once('close', resolve);
    response.on('data', (piece: Buffer) => {
      pieces.push(piece.subarray(0, left));
      left -= Math.min(left, piece.length);
      if (left === 0) sent.destroy();
    });
  });
  return { body: Buffer.concat(pieces), response };
}

export interface SseFrame {
  readonly id?: string;
  readonly event?: string;
  readonly data?: string;
}

/** The frames of a stream that are whole, as an EventSource reads them. */
export function sseFrames(text: string): SseFrame[] {
  return text
    .split('\n\n')
    .slice(0, -1)
    .map((block) => Object.fromEntries(block.split('\n').flatMap(fieldOf)) as SseFrame)
    .filter(({ event }) => event !== undefined);
}

function fieldOf(line: string): [string, string][] {
  const [, name, value] = /^([^:]+): ?(.*)$/s.exec(line) ?? [];
  return name === undefined ? [] : [[name, value ?? '']];
}
