import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url));
const UPLOAD = { method: 'POST', headers: { 'content-type': 'text/plain' }, redirect: 'manual' };

for (const adapter of ['express', 'fastify']) {
  test(`an import is watched as it runs, on ${adapter}`, async () => {
    const { url, stop } = await start(adapter);
    try {
      assert.match(await (await fetch(url)).text(), /<form/);
      const started = await fetch(new URL('/import', url), {
        ...UPLOAD,
        body: 'Ada, London\nnobody\n',
      });
      assert.equal(started.status, 303);
      const location = new URL(started.headers.get('location'), url);
      // The page stays open until the job is over.
      const page = await (await fetch(location, { headers: { accept: 'text/html' } })).text();
      assert.match(page, /Running/);
      assert.match(page, /Imports\.index/);
      assert.match(page, /1 rows were skipped/);
      assert.match(page, /Completed.*<\/html>\n$/s);
      const answer = await fetch(location, { headers: { accept: 'application/json' } });
      const { done, result } = await answer.json();
      assert.deepEqual({ done, result }, { done: true, result: { imported: 1, skipped: 1 } });
    } finally {
      await stop();
    }
  });
}

async function start(adapter) {
  const env = { ...process.env, PORT: '0', STEP: '50', ADAPTER: adapter };
  const server = spawn(process.execPath, [MAIN], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const stop = async () => {
    server.kill('SIGKILL');
    if (server.exitCode === null && server.signalCode === null) await once(server, 'exit');
  };
  for await (const line of createInterface(server.stdout)) {
    const url = /http:\S+/.exec(line)?.[0].replace('localhost', '127.0.0.1');
    if (url) return { url, stop };
  }
  throw new Error('The application ended before it said where it listens.');
}
