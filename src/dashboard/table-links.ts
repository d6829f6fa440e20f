import type { TableLinks } from '../http/page/document.js';
import { urlWith } from '../http/poll-location.js';

/** What a form asks for: that a job be cancelled, or run again. */
export const COMMANDS = ['_cancel', '_retry'] as const;

export type Command = (typeof COMMANDS)[number];

/** What is asked for beside the table; no part of where anything is. */
const ASKED = ['_after', '_follow', '_as', ...COMMANDS];

/** What a table may be narrowed down by. Whatever else is in the query stays, a key that a guard looks for, say. */
const NARROWED = { state: undefined, name: undefined, parentId: undefined, before: undefined };

/** The places around a request to a dashboard: which part of the table its reader has come from is kept. */
export function linksFrom(requested: string, param: string): TableLinks {
  const gone = Object.fromEntries([param, ...ASKED].map((name) => [name, undefined]));
  const url = urlWith(requested, gone);
  return {
    url,
    job: (id) => urlWith(url, { [param]: id }),
    children: (id) => urlWith(url, { ...NARROWED, parentId: id }),
  };
}

/** The same table, from its start, narrowed down in another way. */
export function tableOf(url: string, filter: Readonly<Record<string, string | undefined>>): string {
  return urlWith(url, { before: undefined, ...filter });
}

/** The whole table. */
export function wholeTable(url: string): string {
  return urlWith(url, NARROWED);
}

/** Where a form has its wish granted, and then leads back to where it stood. */
export function commandAt(url: string, command: Command, id: string): string {
  return urlWith(url, { [command]: id });
}

/** Where the form of a command stood. */
export function beforeCommand(url: string): string {
  return urlWith(url, Object.fromEntries(COMMANDS.map((name) => [name, undefined])));
}
