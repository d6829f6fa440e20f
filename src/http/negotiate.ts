import Negotiator from 'negotiator';
import { asked, askedAfter, askedFlag, askedId, chunkNumber } from './poll-location.js';
import { readPrefer, type Preferences } from './prefer.js';
import type { RequestView } from './request-view.js';

/** How a job is shown. */
export type Face = 'text' | 'html' | 'json' | 'sse' | 'ndjson';

/** What a request to a job's route asks for. */
export type Choice =
  | PollChoice
  | CancelChoice
  | StartChoice
  | { readonly kind: 'look' }
  | { readonly kind: 'prefetch' };

export interface PollChoice {
  readonly kind: 'poll';
  readonly id: string;
  readonly face: Face;
  /** Output after this chunk number, if one was given that may be meant. */
  readonly after: number | undefined;
  /** Whether the reader was cut off and goes on from `after`, as an EventSource does by itself. */
  readonly resumes: boolean;
  /** Whether the answer stays open until the job ends. */
  readonly follows: boolean;
  readonly prefer: Preferences;
}

export interface CancelChoice {
  readonly kind: 'cancel';
  readonly id: string;
  readonly face: Face;
}

export interface StartChoice {
  readonly kind: 'start';
  readonly answer: 'redirect' | 'accepted';
  readonly prefer: Preferences;
}

// The first is for clients that take anything.
const FACES: Readonly<Record<string, Face>> = {
  'text/plain': 'text',
  'text/html': 'html',
  'application/json': 'json',
  'text/event-stream': 'sse',
  'application/x-ndjson': 'ndjson',
};

/** What only asks about a route: a handler of all methods gets that too. */
const LOOKS = new Set(['HEAD', 'OPTIONS']);

/** Chooses by method, query and headers alone. A request that cannot be meant to start a job is never a start. */
export function negotiate(request: RequestView, param: string): Choice {
  const reads = request.method === 'GET' || request.method === 'HEAD';
  const id = askedId(request.url, param);
  if (reads && id !== undefined) return pollOf(request, id);
  if (LOOKS.has(request.method)) return { kind: 'look' };
  if (isPrefetch(request)) return { kind: 'prefetch' };
  if (isCancel(request)) return { kind: 'cancel', id: id ?? '', face: faceFor(request) };
  const prefer = readPrefer(request.header('prefer'));
  const isForPrograms = prefer.respondAsync || faceFor(request) === 'json';
  return { kind: 'start', answer: isForPrograms ? 'accepted' : 'redirect', prefer };
}

function isCancel({ method, url }: RequestView): boolean {
  return method === 'POST' && asked(url, '_cancel') !== undefined;
}

function pollOf(request: RequestView, id: string): PollChoice {
  const face = faceFor(request);
  const resumed = face === 'sse' ? chunkNumber(request.header('last-event-id')) : undefined;
  return {
    ...{ kind: 'poll', id, face, resumes: resumed !== undefined },
    after: resumed ?? askedAfter(request.url),
    follows: request.method === 'GET' && follows(request, face),
    prefer: readPrefer(request.header('prefer')),
  };
}

/** Text is whole unless it is asked to go on; JSON is one value, and never goes on. */
function follows(request: RequestView, face: Face): boolean {
  return face !== 'json' && (askedFlag(request.url, '_follow') ?? face !== 'text');
}

/** Links cannot set headers, so `_as` goes before `Accept`. */
export function chosenFrom<T extends string>(
  request: RequestView,
  faces: Readonly<Record<string, T>>,
  otherwise: T,
): T {
  const wanted = asked(request.url, '_as');
  const named = Object.values(faces).find((face) => face === wanted);
  if (named) return named;
  const headers = { accept: bare(request.header('accept')) };
  return faces[new Negotiator({ headers }).mediaType(Object.keys(faces)) ?? ''] ?? otherwise;
}

/** A charset, or a version that Nest reads there, says nothing of the face. */
function bare(accept: string | undefined): string | undefined {
  return accept?.replace(/;\s*(?!q\s*=)[^\s;,="]+\s*=\s*("[^"]*"|[^\s;,]*)/gi, '');
}

/** How somebody wants to be shown a job. */
export function faceFor(request: RequestView): Face {
  return chosenFrom(request, FACES, 'text');
}

function isPrefetch(request: RequestView): boolean {
  const purposes = ['sec-purpose', 'purpose', 'x-purpose', 'x-moz'];
  return purposes.some((name) =>
    /\b(prefetch|prerender|preview)\b/i.test(request.header(name) ?? ''),
  );
}
