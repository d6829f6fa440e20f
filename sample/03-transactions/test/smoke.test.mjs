import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url));

let server;
let url;
let folder;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'groups-'));
  const env = { ...process.env, PORT: '0', WORK: '50', SQLITE_FILE: join(folder, 'groups.sqlite') };
  server = spawn(process.execPath, [MAIN], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  for await (const line of createInterface(server.stdout)) {
    url = /http:\S+/.exec(line)?.[0].replace('localhost', '127.0.0.1');
    if (url) return;
  }
  throw new Error('The application ended before it said where it listens.');
});

after(async () => {
  server.kill();
  if (server.exitCode === null && server.signalCode === null) await once(server, 'exit');
  rmSync(folder, { recursive: true, force: true });
});

test('a group that the request created is renamed by the job', async () => {
  const { state, output } = await runJob('?name=first');
  assert.equal(state, 'completed');
  assert.match(output, /^Created group \d+, named "first".\nFound group \d+, named "first".\n/);
  assert.equal(await nameOf(output), 'Prova');
});

test('a job that fails leaves the group as the request created it', async () => {
  const { state, output } = await runJob('?name=second&fail=1');
  assert.equal(state, 'failed');
  assert.match(output, /Renamed it/);
  assert.equal(await nameOf(output), 'second');
});

async function runJob(query) {
  const { url: job } = await fetch(new URL(query, url));
  for (;;) {
    const answer = await fetch(job);
    const output = await answer.text();
    const state = answer.headers.get('x-job-state');
    if (!answer.headers.has('retry-after')) return { state, output };
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

async function nameOf(output) {
  const id = Number(/Created group (\d+)/.exec(output)[1]);
  const groups = await (await fetch(new URL('groups', url))).json();
  return groups.find((group) => group.id === id)?.name;
}
