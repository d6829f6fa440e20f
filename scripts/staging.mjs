// What the checks of the packed tarball share: pack it, stage applications beside it, run their commands.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { offerPrebuilds } from './prebuilds.mjs';

export const ROOT = fileURLToPath(new URL('../', import.meta.url));
const NPM_FLAGS = ['--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error'];

/** Runs a command; its output is shown where it fails. */
export function run(command, args, options = {}) {
  try {
    return execFileSync(command, args, { encoding: 'utf8', stdio: 'pipe', ...options });
  } catch (error) {
    console.error(`${error.stdout ?? ''}${error.stderr ?? ''}`);
    throw new Error(`${command} ${args.join(' ')} failed in ${options.cwd}`);
  }
}

/** Packs what was built, and says what is in the tarball. */
export function pack(folder) {
  const args = ['pack', '--ignore-scripts', '--json', '--pack-destination', folder];
  const [packed] = JSON.parse(run('npm', args, { cwd: ROOT }));
  return { file: join(folder, packed.filename), files: packed.files.map(({ path }) => path) };
}

/** A temporary folder, gone when the work is done. */
export function inTemporaryFolder(work) {
  const folder = mkdtempSync(join(tmpdir(), 'nestjs-background-'));
  try {
    return work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * Puts applications and the tarball into a folder as one npm workspace, and installs them all at once. The tarball
 * must satisfy the range that the applications ask for.
 */
export function stage(folder, tarball, applications, dependencies = {}) {
  for (const { name, source, change } of applications) {
    const target = join(folder, name);
    cpSync(source, target, { recursive: true, filter: isSource });
    change?.(target);
    editJson(join(target, 'package.json'), (manifest) => ({ ...manifest, name }));
  }
  const manifest = {
    private: true,
    workspaces: applications.map(({ name }) => name),
    allowScripts: Object.assign({}, ...applications.map(({ source }) => allowedIn(source))),
    dependencies: { ...dependencies, 'nestjs-background': `file:${tarball}` },
  };
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest));
  const env = { ...process.env, ...offerPrebuilds(ROOT, folder) };
  run('npm', ['install', ...NPM_FLAGS], { cwd: folder, env });
}

/** Type-checks, builds, starts and tests a staged application with its own `npm test`. */
export function smokeTest(folder, name) {
  run('npm', ['test', '--loglevel=error'], { cwd: join(folder, name) });
  console.log(`ok  ${name}`);
}

/** Only the root of a workspace may allow scripts. */
function allowedIn(source) {
  return JSON.parse(readFileSync(join(source, 'package.json'), 'utf8')).allowScripts;
}

export function editJson(file, edit) {
  writeFileSync(file, JSON.stringify(edit(JSON.parse(readFileSync(file, 'utf8')))));
}

function isSource(path) {
  return !['node_modules', 'dist', 'package-lock.json'].includes(basename(path));
}
