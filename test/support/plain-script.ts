import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { transformFile } from '@swc/core';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const SOURCES = join(ROOT, 'src');

/** How a script ended, and what it wrote. */
export interface ScriptEnd {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs scripts in processes of their own, on the sources as they are now. */
export interface Scripts extends AsyncDisposable {
  run(code: string): Promise<ScriptEnd>;
}

/** The library for plain Node, in a folder of its own, from where its dependencies are found. */
export async function plainScripts(): Promise<Scripts> {
  await mkdir(join(ROOT, '.cache'), { recursive: true });
  const folder = await mkdtemp(join(ROOT, '.cache', 'plain-'));
  const files = await readdir(SOURCES, { recursive: true });
  await Promise.all(
    files.filter((file) => file.endsWith('.ts')).map((file) => compile(file, folder)),
  );
  let count = 0;
  return {
    async run(code) {
      const script = join(folder, `script-${++count}.mjs`);
      await writeFile(script, `import * as lib from './index.js';\n${code}`);
      return execute(script);
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
  };
}

async function compile(file: string, folder: string): Promise<void> {
  const { code } = await transformFile(join(SOURCES, file), {
    swcrc: false,
    jsc: {
      parser: { syntax: 'typescript', decorators: true },
      transform: { legacyDecorator: true, decoratorMetadata: true },
      target: 'es2022',
      keepClassNames: true,
    },
    module: { type: 'es6' },
  });
  const target = join(folder, file.replace(/\.ts$/, '.js'));
  await mkdir(dirname(target), { recursive: true });
  await writeFile(target, code);
}

function execute(script: string): Promise<ScriptEnd> {
  return new Promise((resolve) => {
    const env = { ...process.env, NODE_OPTIONS: '', NO_COLOR: '1' };
    execFile(process.execPath, [script], { env, timeout: 20_000 }, (error, stdout, stderr) => {
      const code = error ? Number(error.code ?? -1) : 0;
      resolve({ code, stdout, stderr });
    });
  });
}
