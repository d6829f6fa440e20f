import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url));

let server;
let url;

before(async () => {
  const env = { ...process.env, PORT: '0' };
  server = spawn(process.execPath, [MAIN], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  for await (const line of createInterface(server.stdout)) {
    url = /http:\S+/.exec(line)?.[0].replace('localhost', '127.0.0.1');
    if (url) {
      url = new URL('/', url);
      return;
    }
  }
  throw new Error('The application ended before it said where it listens.');
});

after(async () => {
  server.kill();
  if (server.exitCode === null && server.signalCode === null) await once(server, 'exit');
});

test('primes are counted in a thread, while requests are answered', async () => {
  const { url: job } = await fetch(new URL('primes/2000000', url));
  assert.match(job, /_t=/);
  let answered = 0;
  for (;;) {
    assert.equal(await (await fetch(new URL('ping', url))).text(), 'pong');
    answered += 1;
    const answer = await fetch(job);
    const output = await answer.text();
    if (answer.headers.get('x-job-state') !== 'completed') continue;
    assert.match(output, /148933 primes in all/);
    break;
  }
  assert.ok(answered > 10);
});
