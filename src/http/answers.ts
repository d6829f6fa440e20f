import { isFinal } from '../job/state-machine.js';
import type { Job, JobRecord } from '../job/job.js';
import { appliedHeader, type Preferences } from './prefer.js';
import { retryAfter, spread } from './retry-after.js';

/** An answer, before any framework. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What an answer about a job says of it, whatever its face. */
export interface JobHead {
  readonly record: JobRecord;
  /** In ms since 1970. */
  readonly now: number;
  /** What the client was granted of what it would rather have. */
  readonly applied?: Preferences;
}

/** On everything that a job's route answers: it is about one job at one moment, and output is untrusted text. */
const ALWAYS = {
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
};

/** Nothing in these is a document, so nothing in them may do anything. */
const INERT = { 'content-security-policy': "default-src 'none'; frame-ancestors 'none'; sandbox" };

/** On answers that stay open: no proxy shall collect them, nor a middleware compress them. */
const OPEN = { 'cache-control': 'no-store, no-transform', 'x-accel-buffering': 'no' };

const TYPES = {
  text: 'text/plain; charset=utf-8',
  html: 'text/html; charset=utf-8',
  json: 'application/json; charset=utf-8',
  sse: 'text/event-stream; charset=utf-8',
  ndjson: 'application/x-ndjson; charset=utf-8',
};

const TEXT = { ...INERT, 'content-type': TYPES.text };
const JSON_TYPE = { ...INERT, 'content-type': TYPES.json };

/** To browsers and plain clients: go and look there. */
export function redirectAnswer(id: string, location: string, applied?: Preferences): HttpAnswer {
  const body = `Started as job ${id}. See ${location}\n`;
  const granted = applied ? appliedHeader(applied) : {};
  return { status: 303, headers: { ...ALWAYS, ...TEXT, ...granted, location }, body };
}

/** To API clients: accepted, this is the job, look there for more; however soon it was over. */
export function acceptedAnswer(head: JobHead, job: Job, location: string): HttpAnswer {
  const again = { 'retry-after': retryAfter(head.record, head.now, Math.random()) };
  const headers = { ...ALWAYS, ...JSON_TYPE, ...headersOf(head), ...again, location };
  return { status: 202, headers, body: jsonBody({ ...job, done: isFinal(head.record.state) }) };
}

/** To API clients that waited for it: what came of the job, if it is over. */
export function outcomeAnswer(head: JobHead, job: Job, location: string): HttpAnswer {
  if (!isFinal(head.record.state)) return acceptedAnswer(head, job, location);
  const headers = { ...ALWAYS, ...JSON_TYPE, ...headersOf(head), location };
  return { status: 200, headers, body: jsonBody({ ...job, done: true }) };
}

/** All output so far, byte for byte. */
export function textAnswer(head: JobHead, output: string, next: number): HttpAnswer {
  const headers = { ...ALWAYS, ...TEXT, ...headersOf(head), 'x-job-next': String(next) };
  return { status: 200, headers, body: output };
}

/** The job, whether it is done, its output, and the `_after` to ask for what comes next. */
export function jsonAnswer(head: JobHead, job: Job, output: string, next: number): HttpAnswer {
  const done = isFinal(head.record.state);
  const headers = { ...ALWAYS, ...JSON_TYPE, ...headersOf(head), 'x-job-next': String(next) };
  return { status: 200, headers, body: jsonBody({ ...job, done, output, next }) };
}

/** A page of the user's own. */
export function pageAnswer(head: JobHead, html: string, policy: string): HttpAnswer {
  const { headers, ...rest } = documentAnswer(html, policy);
  return { ...rest, headers: { ...headers, ...headersOf(head) } };
}

/** A page that is about no single job. */
export function documentAnswer(html: string, policy: string): HttpAnswer {
  const type = { 'content-type': TYPES.html, 'content-security-policy': policy };
  return { status: 200, headers: { ...ALWAYS, ...type }, body: html };
}

/** The same for programs. */
export function valueAnswer(value: object): HttpAnswer {
  return { status: 200, headers: { ...ALWAYS, ...JSON_TYPE }, body: jsonBody(value) };
}

/** To a form whose wish is done: go and look there. */
export function doneAnswer(location: string): HttpAnswer {
  return { status: 303, headers: { ...ALWAYS, ...TEXT, location }, body: `See ${location}\n` };
}

/** The status line and headers of an answer that stays open. */
export function openHeaders(
  head: JobHead,
  face: keyof typeof TYPES,
  policy?: string,
): Record<string, string> {
  const type = { 'content-type': TYPES[face] };
  const inert = policy ? { 'content-security-policy': policy } : INERT;
  return { ...ALWAYS, ...OPEN, ...inert, ...type, ...headersOf(head) };
}

/** To a reader that comes back after the end: there is no more, so that an EventSource stops. */
export function endedAnswer(head: JobHead): HttpAnswer {
  return { status: 204, headers: { ...ALWAYS, ...headersOf(head) }, body: '' };
}

/** To HEAD and OPTIONS: there is such a route; what it would start is not started. */
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
  if (retryAfter === undefined) return ALWAYS;
  return { ...ALWAYS, 'retry-after': spread(retryAfter, Math.random()) };
}

function headersOf({ record, now, applied }: JobHead): Record<string, string> {
  const waits = record.activity?.waitsFor && { 'x-job-waits-for': record.activity.waitsFor.what };
  const undone = record.rolledBack && { 'x-job-rolled-back': 'true' };
  const granted = applied && appliedHeader(applied);
  const state = { 'x-job-state': record.state, ...waits, ...undone, ...granted };
  if (isFinal(record.state)) return state;
  return { ...state, 'retry-after': retryAfter(record, now, Math.random()) };
}

function jsonBody(body: object): string {
  return `${JSON.stringify(body)}\n`;
}
