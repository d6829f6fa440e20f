/** What the choice of an answer depends on, the same on Express and Fastify. */
export interface RequestView {
  readonly method: string;
  /** Path and query as the client sent them, in the form of `originForm`. */
  readonly url: string;
  /** A header by its name in small letters. */
  header(name: string): string | undefined;
}

/** A request's target as path and query: neither the origin that proxies put before it, nor a fragment. */
export function originForm(target: string): string {
  return target.replace(/^[a-z][a-z\d+.-]*:\/\/[^/?#]*/i, '').replace(/#.*$/s, '');
}

/**
 * The path of a URL, which starts with exactly one slash: `//host` would lead a redirect to another origin, and so
 * would `/\host`, since browsers take a backslash for a slash.
 */
export function pathOf(url: string): string {
  const path = url.split('?', 1)[0] ?? '';
  return `/${path.replace(/^\/+/, '').replaceAll('\\', '%5C')}`;
}

/** The query of a URL, as it is, without its question mark. */
export function queryOf(url: string): string {
  const mark = url.indexOf('?');
  return mark === -1 ? '' : url.slice(mark + 1);
}
