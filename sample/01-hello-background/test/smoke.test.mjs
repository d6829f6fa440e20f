import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url));
const HEAD = /^Started at \S+\nhit f5 to refresh!\n/;

let server;
let url;

before(async () => {
  const env = { ...process.env, PORT: '0', STEP: '20' };
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

test('the job is started by a redirect, and shows ten lines in the end', async () => {
  const answer = await fetch(url, { redirect: 'manual' });
  assert.equal(answer.status, 303);
  const job = new URL(answer.headers.get('location'), url);
  assert.match(job.search, /^\?_t=[0-9a-f-]{36}$/);
  assert.match(await (await fetch(job)).text(), HEAD);
  const output = await outputAtTheEnd(job);
  assert.deepEqual(output.match(/^\d(?=: )/gm), [...'0123456789']);
  assert.equal(output.split('\n').length, 13);
});

test('every job that is kept is listed', async () => {
  const { url: job } = await fetch(url);
  const id = new URL(job).searchParams.get('_t');
  const jobs = await (await fetch(new URL('jobs', url))).json();
  assert.equal(jobs[0].id, id);
  assert.equal(jobs[0].name, 'LongRunning.count');
});

async function outputAtTheEnd(job) {
  for (;;) {
    const answer = await fetch(job);
    const output = await answer.text();
    if (answer.headers.get('x-job-state') === 'completed') return output;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
