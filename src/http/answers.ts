import { toJob, type Job, type JobRecord } from '../job/job.js';
import { isFinal } from '../job/state-machine.js';
import type { OutputPage } from '../output/output-chunk.js';
import { transcript } from '../output/transcript.js';

/** An answer, before any framework. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** On everything that a job's route answers: it is about one job at one moment, and output is untrusted text. */
const ALWAYS = {
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
};

const TEXT = { 'content-type': 'text/plain; charset=utf-8' };
const JSON_TYPE = { 'content-type': 'application/json; charset=utf-8' };

/** To browsers and plain clients: go and look there. */
export function redirectAnswer(id: string, location: string): HttpAnswer {
  const body = `Started as job ${id}. See ${location}\n`;
  return { status: 303, headers: { ...ALWAYS, ...TEXT, location }, body };
}

/** To API clients: accepted, this is the job, look there for more. */
export function acceptedAnswer(
  record: JobRecord,
  location: string,
  respondAsync: boolean,
): HttpAnswer {
  const headers: Record<string, string> = { ...ALWAYS, ...JSON_TYPE, ...stateOf(record), location };
  if (respondAsync) headers['preference-applied'] = 'respond-async';
  return {
    status: 202,
    headers,
    body: jsonBody({ ...publicJob(record), done: isFinal(record.state) }),
  };
}

/** All output so far, byte for byte. */
export function textAnswer(record: JobRecord, page: OutputPage): HttpAnswer {
  return {
    status: 200,
    headers: { ...ALWAYS, ...TEXT, ...stateOf(record) },
    body: transcript(page),
  };
}

/** The job, whether it is done, its output, and the `_after` to ask for what comes next. */
export function jsonAnswer(record: JobRecord, page: OutputPage): HttpAnswer {
  const body = jsonBody({
    ...publicJob(record),
    done: isFinal(record.state),
    output: transcript(page),
    next: page.last,
  });
  return { status: 200, headers: { ...ALWAYS, ...JSON_TYPE, ...stateOf(record) }, body };
}

/** To a HEAD request: there is such a route; what it would start is not started. */
export function lookAnswer(): HttpAnswer {
  return { status: 200, headers: { ...ALWAYS, ...TEXT }, body: '' };
}

/** To a browser that fetches ahead: not now, so that it asks again when it is meant. */
export function prefetchAnswer(): HttpAnswer {
  const body = 'This starts a job, so it is not fetched ahead.\n';
  return { status: 503, headers: { ...ALWAYS, ...TEXT }, body };
}

/** The headers of an error that Nest's filters answer. */
export function errorHeaders(retryAfter?: number): Readonly<Record<string, string>> {
  return retryAfter === undefined ? ALWAYS : { ...ALWAYS, 'retry-after': String(retryAfter) };
}

function stateOf({ state }: JobRecord): Record<string, string> {
  const headers = { 'x-job-state': state };
  return isFinal(state) ? headers : { ...headers, 'retry-after': '1' };
}

/** The job without its stack: that is for logs, not for the network. */
function publicJob(record: JobRecord): Job {
  const job = toJob(record);
  if (job.error) job.error = { name: job.error.name, message: job.error.message };
  return job;
}

function jsonBody(body: object): string {
  return `${JSON.stringify(body)}\n`;
}
