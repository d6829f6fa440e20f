import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

export const ROOT = join(import.meta.dirname, '../..');

/** A block of code in a page. */
export interface CodeBlock {
  /** Where it stands: `docs/http.md:7`. */
  readonly place: string;
  /** What it would be called as a file beside the page's other blocks. */
  readonly file: string;
  readonly code: string;
}

/** The pages that a reader comes across, from the root. */
export function pages(): string[] {
  const names = (folder: string): string[] => readdirSync(join(ROOT, folder));
  const pagesIn = (folder: string): string[] =>
    names(folder)
      .filter((name) => name.endsWith('.md'))
      .map((name) => join(folder, name));
  const samples = names('sample').flatMap((name) => pagesIn(join('sample', name)));
  return [...pagesIn('.'), ...pagesIn('docs'), ...samples];
}

export function readPage(page: string): string {
  return readFileSync(join(ROOT, page), 'utf8');
}

const BLOCK =
  /(?:^<!-- ts\n(?<before>(?:(?!-->).)*?)^-->\n\n)?^```ts(?: (?<name>\S+))?\n(?<code>.*?)^```$/gms;

/**
 * The page's blocks of TypeScript. A comment `<!-- ts … -->` right before a block has what the block leaves out; one
 * that others import has its name after the language.
 */
export function tsBlocks(page: string): CodeBlock[] {
  const text = readPage(page);
  return [...text.matchAll(BLOCK)].map(({ index, groups = {} }, count) => ({
    place: `${page}:${text.slice(0, index).split('\n').length}`,
    file: groups.name ?? `block-${count + 1}.ts`,
    code: `${groups.before ?? ''}${groups.code}`,
  }));
}

/** The files that the page links to, from the root. */
export function linkedFiles(page: string): string[] {
  const targets = [...readPage(page).matchAll(/\]\(([^)\s]+)\)/g)].map((match) => match[1]!);
  return targets
    .filter((target) => !/^([a-z]+:|#)/.test(target))
    .map((target) => join(dirname(page), target.replace(/#.*/, '')));
}

/** The first cells of the table whose head begins with a cell. */
export function firstCells(page: string, head: string): string[] {
  const lines = readPage(page).split('\n');
  const start = lines.findIndex((line) => line.startsWith(`| \`${head}\``));
  const rows = lines.slice(start + 2);
  const end = rows.findIndex((line) => !line.startsWith('|'));
  return rows.slice(0, end).map((row) => /`([^`]+)`/.exec(row)?.[1] ?? row);
}
