import { pathOf, queryOf } from './request-view.js';

/** Where a job is watched: the same path, every parameter of the query as it was, and the job's id once. */
export function pollLocation(url: string, param: string, id: string): string {
  const others = queryOf(url)
    .split('&')
    .filter((part) => part !== '' && !carries(part, param));
  return `${pathOf(url)}?${[...others, `${encodeURIComponent(param)}=${id}`].join('&')}`;
}

/**
 * The id that a URL asks about: `undefined` where it asks about none, and a text that is no id where the
 * parameter is there but empty, doubled, or a list.
 */
export function askedId(url: string, param: string): string | undefined {
  const query = new URLSearchParams(queryOf(url));
  const ids = [...query]
    .filter(([name]) => isNamed(name, param))
    .map(([name, value]) => (name === param ? value : ''));
  return ids.length > 1 ? '' : ids[0];
}

/** The chunk number after which output is wanted; 0, that is all of it, for anything that is none. */
export function askedAfter(url: string): number {
  const after = Number(new URLSearchParams(queryOf(url)).get('_after') ?? 0);
  return Number.isSafeInteger(after) && after > 0 ? after : 0;
}

function carries(part: string, param: string): boolean {
  return [...new URLSearchParams(part).keys()].some((name) => isNamed(name, param));
}

/** A list or an object of ids is one too, as query parsers read it: `_t[]=`, `_t[a]=`. */
function isNamed(name: string, param: string): boolean {
  return name === param || name.startsWith(`${param}[`);
}
