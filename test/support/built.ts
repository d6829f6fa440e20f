import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { transformSync } from '@swc/core';
import type * as library from '../../src/index.js';

const ROOT = resolve(import.meta.dirname, '../..');
// One for each process of Jest, so that none reads what another is writing.
const BUILT = join(ROOT, '.cache', `built-${process.env.JEST_WORKER_ID ?? 0}`);

/** Builds sources to JavaScript, since a thread loads its files as Node does, not as Jest does. */
export function build(...folders: string[]): void {
  rmSync(BUILT, { recursive: true, force: true });
  for (const folder of folders) {
    for (const file of readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })) {
      if (/\.c?ts$/.test(file)) buildFile(join(folder, file));
    }
  }
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
