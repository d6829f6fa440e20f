/** What the choice of an answer depends on, the same on Express and Fastify. */
export interface RequestView {
  readonly method: string;
  /** Path and query as the client sent them. */
  readonly url: string;
  /** A header by its name in small letters. */
  header(name: string): string | undefined;
}

/** The path of a URL, which starts with exactly one slash: `//host` would lead a redirect to another origin. */
export function pathOf(url: string): string {
  return `/${(url.split('?', 1)[0] ?? '').replace(/^[/\\]+/, '')}`;
}

/** The query of a URL, as it is, without its question mark. */
export function queryOf(url: string): string {
  const mark = url.indexOf('?');
  return mark === -1 ? '' : url.slice(mark + 1);
}
