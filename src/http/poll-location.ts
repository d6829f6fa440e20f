import { pathOf, queryOf } from './request-view.js';

/** What a poll may ask for beside the job; no part of where the job is. */
const ASKED = ['_after', '_follow', '_as', '_cancel'];

/** Where a job is watched: the same path, every parameter of the query as it was, and the job's id once. */
export function pollLocation(url: string, param: string, id: string): string {
  return located(url, param, id, []);
}

/** The same, seen from one of its polls. */
export function pageLocation(url: string, param: string, id: string): string {
  return located(url, param, id, ASKED);
}

/** The same path and query, but for these parameters: they go, or come last with a value of their own. */
export function urlWith(
  url: string,
  changes: Readonly<Record<string, string | undefined>>,
): string {
  const names = Object.keys(changes);
  const others = queryOf(url)
    .split('&')
    .filter((part) => part !== '' && !names.some((name) => carries(part, name)));
  const given = Object.entries(changes).flatMap(([name, value]) =>
    value === undefined ? [] : [`${encodeURIComponent(name)}=${encodeURIComponent(value)}`],
  );
  const query = [...others, ...given].join('&');
  return query === '' ? pathOf(url) : `${pathOf(url)}?${query}`;
}

function located(url: string, param: string, id: string, dropped: readonly string[]): string {
  const gone = Object.fromEntries(dropped.map((name) => [name, undefined]));
  return urlWith(url, { ...gone, [param]: id });
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

/** The chunk number that a text gives; `undefined` for anything that is none: negative, huge, no number. */
export function chunkNumber(text: string | null | undefined): number | undefined {
  if (!/^\s*\d+\s*$/.test(text ?? '')) return undefined;
  const number = Number(text);
  return Number.isSafeInteger(number) ? number : undefined;
}

/** The chunk number after which output is wanted, if the URL gives one. */
export function askedAfter(url: string): number | undefined {
  return chunkNumber(asked(url, '_after'));
}

/** The value of a parameter; `undefined` where it is absent. */
export function asked(url: string, name: string): string | undefined {
  return new URLSearchParams(queryOf(url)).get(name) ?? undefined;
}

/** A parameter that is a switch: on for `?name`, `=1` and the like, off for `=0`; `undefined` where it is absent. */
export function askedFlag(url: string, name: string): boolean | undefined {
  const value = asked(url, name);
  return value === undefined ? undefined : !/^(0|false|no|off)$/i.test(value);
}

function carries(part: string, param: string): boolean {
  return [...new URLSearchParams(part).keys()].some((name) => isNamed(name, param));
}

/** A list or an object of ids is one too, as query parsers read it: `_t[]=`, `_t[a]=`. */
function isNamed(name: string, param: string): boolean {
  return name === param || name.startsWith(`${param}[`);
}
