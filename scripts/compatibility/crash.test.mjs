// Beside the sample's own test: its process is killed in the middle of a job, and the job is done by the next one, once.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import pg from 'pg';

const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url));
const POSTGRES = process.env.PG_URL ?? 'postgres://postgres@127.0.0.1:5432/postgres';

test('on a SQLite file', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'groups-'));
  try {
    await killedInTheMiddle({ PG_URL: '', SQLITE_FILE: join(folder, 'groups.sqlite') });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('on PostgreSQL', async (context) => {
  const name = `groups_${process.pid}`;
  try {
    await administer(`CREATE DATABASE ${name}`);
  } catch (error) {
    if (error.code !== 'ECONNREFUSED' || process.env.REQUIRE_SERVICES || process.env.CI)
      throw error;
    return context.skip('there is none');
  }
  const url = new URL(POSTGRES);
  url.pathname = `/${name}`;
  await killedInTheMiddle({ PG_URL: url.href }).finally(() =>
    administer(`DROP DATABASE ${name} WITH (FORCE)`),
  );
});

async function killedInTheMiddle(env) {
  const first = await start({ ...env, WORK: '600000' });
  const { pathname, search } = new URL((await fetch(`${first.url}?name=first`)).url);
  await until(async () => (await poll(first, pathname + search)).output.includes('Renamed it'));
  first.server.kill('SIGKILL');
  await once(first.server, 'exit');
  const second = await start({ ...env, WORK: '50' });
  try {
    await until(async () => (await poll(second, pathname + search)).state === 'completed');
    assert.equal((await poll(second, pathname + search)).attempt, 2);
    assert.deepEqual(await groups(second), [{ id: 1, name: 'Prova' }]);
    const failing = new URL((await fetch(`${second.url}?name=second&fail=1`)).url);
    await until(
      async () => (await poll(second, failing.pathname + failing.search)).state === 'failed',
    );
    assert.equal((await groups(second))[1].name, 'second');
  } finally {
    second.server.kill();
    await once(second.server, 'exit');
  }
}

async function start(env) {
  const stdio = ['ignore', 'pipe', 'inherit'];
  const server = spawn(process.execPath, [MAIN], {
    env: { ...process.env, PORT: '0', ...env },
    stdio,
  });
  for await (const line of createInterface(server.stdout)) {
    const url = /http:\S+/.exec(line)?.[0].replace('localhost', '127.0.0.1');
    if (url) return { server, url };
  }
  throw new Error('The application ended before it said where it listens.');
}

async function poll({ url }, path) {
  const answer = await fetch(new URL(path, url), { headers: { Accept: 'application/json' } });
  return answer.json();
}

async function groups({ url }) {
  return (await fetch(new URL('groups', url))).json();
}

async function until(condition) {
  const deadline = Date.now() + 30_000;
  while (!(await condition())) {
    assert.ok(Date.now() < deadline, `It never came true: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function administer(statement) {
  const client = new pg.Client(POSTGRES);
  await client.connect();
  await client.query(statement).finally(() => client.end());
}
