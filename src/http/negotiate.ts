import Negotiator from 'negotiator';
import { askedAfter, askedId } from './poll-location.js';
import type { RequestView } from './request-view.js';

/** How a job is shown. */
export type Face = 'text' | 'json';

/** What a request to a job's route asks for. */
export type Choice =
  | { readonly kind: 'poll'; readonly id: string; readonly face: Face; readonly after: number }
  | {
      readonly kind: 'start';
      readonly answer: 'redirect' | 'accepted';
      readonly respondAsync: boolean;
    }
  | { readonly kind: 'look' }
  | { readonly kind: 'prefetch' };

// The first is for clients that take anything. HTML gets the text until there is a page.
const FACES: Readonly<Record<string, Face>> = {
  'text/plain': 'text',
  'text/html': 'text',
  'application/json': 'json',
};

/** Chooses by method, query and headers alone. A request that cannot be meant to start a job is never a start. */
export function negotiate(request: RequestView, param: string): Choice {
  const reads = request.method === 'GET' || request.method === 'HEAD';
  const id = reads ? askedId(request.url, param) : undefined;
  const face = faceFor(request.header('accept'));
  if (id !== undefined) return { kind: 'poll', id, face, after: askedAfter(request.url) };
  if (request.method === 'HEAD') return { kind: 'look' };
  if (isPrefetch(request)) return { kind: 'prefetch' };
  const respondAsync = prefersAsync(request.header('prefer'));
  const answer = respondAsync || face === 'json' ? 'accepted' : 'redirect';
  return { kind: 'start', answer, respondAsync };
}

function faceFor(accept: string | undefined): Face {
  const mediaType = new Negotiator({ headers: { accept } }).mediaType(Object.keys(FACES));
  return FACES[mediaType ?? ''] ?? 'text';
}

function isPrefetch(request: RequestView): boolean {
  const purposes = ['sec-purpose', 'purpose', 'x-purpose', 'x-moz'];
  return purposes.some((name) =>
    /\b(prefetch|prerender|preview)\b/i.test(request.header(name) ?? ''),
  );
}

function prefersAsync(prefer: string | undefined): boolean {
  return /(^|[,;])\s*respond-async\s*($|[,;])/i.test(prefer ?? '');
}
