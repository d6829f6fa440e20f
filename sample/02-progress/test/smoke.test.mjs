import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url));
const IN_ORDER = ['Not yet started', '0', '1', '2', '3', '4', 'Job Completed'];

let server;
let url;

before(async () => {
  const env = { ...process.env, PORT: '0', STEP: '200' };
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
});

test('the redirect leads to the progress, which only ever goes on', async () => {
  const started = await fetch(url);
  assert.match(new URL(started.url).pathname, /^\/state\/[0-9a-f-]{36}$/);
  const seen = new Set([await started.text()]);
  while (!seen.has('Job Completed')) {
    seen.add(await (await fetch(started.url)).text());
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assert.deepEqual(
    [...seen],
    IN_ORDER.filter((text) => seen.has(text)),
  );
});

test('a job that never was is not running either', async () => {
  const answer = await fetch(new URL('/state/unknown', url));
  assert.equal(await answer.text(), 'Job Completed');
});
