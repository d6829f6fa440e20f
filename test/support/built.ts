import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { transformSync } from '@swc/core';
import type * as library from '../../src/index.js';

const ROOT = resolve(import.meta.dirname, '../..');
// One for each process of Jest, so that none reads what another is writing.
const BUILT = join(ROOT, '.cache', `built-${process.env.JEST_WORKER_ID ?? 0}`);

/** Tells what the built files were made of. */
const MADE_OF = join(BUILT, 'made-of.json');

/** Builds sources to JavaScript, since a thread loads its files as Node does, not as Jest does. Once, until they change. */
export function build(...folders: string[]): void {
  const sources = folders.flatMap(entriesOf);
  const madeOf = JSON.stringify({ folders, changed: lastChange(sources) });
  if (existsSync(MADE_OF) && readFileSync(MADE_OF, 'utf8') === madeOf) return;
  rmSync(BUILT, { recursive: true, force: true });
  sources.filter((source) => /\.c?ts$/.test(source)).forEach(buildFile);
  writeFileSync(MADE_OF, madeOf);
}

/** A folder and all that is in it. */
function entriesOf(folder: string): string[] {
  const entries = readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' });
  return [folder, ...entries.map((entry) => join(folder, entry))];
}

/** Of the sources, and of how they are built. A folder changes when a file in it is removed. */
function lastChange(sources: string[]): number {
  const paths = [import.meta.filename, ...sources.map((source) => join(ROOT, source))];
  return Math.max(...paths.map((path) => statSync(path).ctimeMs));
}

/** Where the built form of a source is. */
export function builtUrl(source: string): string {
  return pathToFileURL(join(BUILT, source.replace(/\.ts$/, '.js'))).href;
}

/** The library in its built form, for tests of what crosses to threads: theirs and the test's must be one. */
export async function builtLibrary(): Promise<typeof library> {
  return (await import(builtUrl('src/index.ts'))) as typeof library;
}

function buildFile(file: string): void {
  const isCommonJs = file.endsWith('.cts');
  const { code } = transformSync(readFileSync(join(ROOT, file), 'utf8'), {
    filename: join(ROOT, file),
    configFile: false,
    swcrc: false,
    jsc: {
      parser: { syntax: 'typescript', decorators: true },
      transform: { legacyDecorator: true, decoratorMetadata: true },
      target: 'es2022',
      keepClassNames: true,
    },
    module: isCommonJs ? { type: 'commonjs', ignoreDynamic: true } : { type: 'es6' },
  });
  const built = join(BUILT, file.replace(/\.(c?)ts$/, '.$1js'));
  mkdirSync(dirname(built), { recursive: true });
  writeFileSync(built, code);
}
