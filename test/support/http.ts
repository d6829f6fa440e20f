import { request, type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http';
import type { TestApp } from './test-app.js';
import { until } from './until.js';

const ID = /[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/g;

/** Where the answer sends its reader. */
export function locationOf(response: Response): string {
  const location = response.headers.get('location');
  if (location === null) throw new Error(`An answer ${response.status} without a Location.`);
  return location;
}

/** Starts a job at a path, and says where it is watched. */
export async function startAt(app: TestApp, path: string, init?: RequestInit): Promise<string> {
  return locationOf(await app.fetch(path, init));
}

/** The job's id in a location. */
export function idIn(location: string): string {
  const [id] = location.match(ID) ?? [];
  if (!id) throw new Error(`No id in ${location}`);
  return id;
}

export function maskIds(text: string): string {
  return text.replace(ID, '<id>');
}

/** Polls until the job is over, and gives that answer. */
export async function pollToTheEnd(
  app: TestApp,
  location: string,
  init?: RequestInit,
): Promise<Response> {
  let last!: Response;
  await until(async () => {
    last = await app.fetch(location, init);
    return /^(completed|failed|cancelled)$/.test(last.headers.get('x-job-state') ?? '');
  }, `the end of the job at ${location}`);
  return last;
}

export interface RawAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** A request whose target is sent as it is, where `fetch` would tidy it first. */
export function rawRequest(
  app: TestApp,
  target: string,
  method = 'GET',
  headers: OutgoingHttpHeaders = {},
): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(app.origin);
    const sent = request({ hostname, port, method, headers, agent: false }, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (text: string) => (body += text));
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body }),
      );
    });
    // Set afterwards, since `request` itself refuses some of what a server accepts.
    sent.path = target;
    sent.on('error', reject);
    sent.end();
  });
}
