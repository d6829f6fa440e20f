import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { readdirSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { transform } from '@swc/core';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const OUT = join(ROOT, '.cache', 'crash');
/** @type {import('@swc/core').JscConfig} */
const JSC = {
  parser: { syntax: 'typescript', decorators: true },
  transform: { legacyDecorator: true, decoratorMetadata: true },
  target: 'es2022',
  keepClassNames: true,
};

/** @type {Promise<unknown> | undefined} */
let transpiled;

/**
 * Makes JavaScript of the sources, so that a test can run them in processes of their own.
 * @param {string} worker
 * @returns Where the worker's is.
 */
export async function transpile(worker = 'test/crash/worker') {
  await (transpiled ??= transpileAll());
  return join(OUT, `${worker}.js`);
}

function transpileAll() {
  const files = ['src', 'test/crash', 'test/processes'].flatMap((folder) =>
    sourcesIn(join(ROOT, folder)),
  );
  return Promise.all(files.map(transpileFile));
}

/** @param {string} folder */
function sourcesIn(folder) {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.c?ts$/.test(file) && !file.endsWith('.spec.ts'))
    .map((file) => join(folder, file));
}

/** @param {string} file */
async function transpileFile(file) {
  const { code } = await transform(await readFile(file, 'utf8'), {
    ...{ jsc: JSC, module: moduleOf(file), filename: file, swcrc: false },
  });
  const target = join(OUT, relative(ROOT, file)).replace(/\.(c?)ts$/, '.$1js');
  await mkdir(dirname(target), { recursive: true });
  // A process that is being started elsewhere may be reading it.
  const draft = `${target}.${process.pid}`;
  await writeFile(draft, code);
  await rename(draft, target);
}

/** @param {string} file */
function moduleOf(file) {
  return file.endsWith('.cts')
    ? { type: /** @type {const} */ ('commonjs'), ignoreDynamic: true }
    : { type: /** @type {const} */ ('es6') };
}
