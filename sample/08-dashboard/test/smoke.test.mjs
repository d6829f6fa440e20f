import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url));
const authorization = `Basic ${Buffer.from('admin:letmein').toString('base64')}`;

for (const adapter of ['express', 'fastify']) {
  test(`all jobs are seen by whoever has the password, on ${adapter}`, async () => {
    const { url, stop } = await start(adapter);
    try {
      await fetch(new URL('/plan', url), { method: 'POST' });
      await fetch(new URL('/send', url), { method: 'POST', redirect: 'manual' });
      const refused = await fetch(new URL('/admin/jobs', url));
      assert.equal(refused.status, 401);
      assert.match(refused.headers.get('www-authenticate'), /^Basic/);

      const { counts, jobs } = await untilSent(url);
      assert.deepEqual([counts.scheduled, counts.completed, counts.failed], [1, 4, 1]);
      const failed = jobs.find(({ state }) => state === 'failed');
      assert.equal(failed.error.message, '"nobody" is no address.');
      const page = await (await ask(url, '?state=failed', { accept: 'text/html' })).text();
      assert.match(page, /&quot;nobody&quot; is no address\./);
      assert.doesNotMatch(page, /<script/);

      const retried = await ask(url, `?_retry=${failed.id}`, {}, 'POST');
      assert.equal(retried.status, 303);
      const foreign = { origin: 'https://elsewhere.example' };
      const other = await ask(url, `?_cancel=${jobs.at(-1).id}`, foreign, 'POST');
      assert.equal(other.status, 403);
    } finally {
      await stop();
    }
  });
}

/** The table, once the newsletter is sent. */
async function untilSent(url) {
  for (;;) {
    const table = await (await ask(url, '')).json();
    if (table.jobs.some(({ name, state }) => name === 'Newsletter.send' && state === 'completed')) {
      return table;
    }
    await setTimeout(50);
  }
}

function ask(url, query, headers = {}, method = 'GET') {
  const options = { method, headers: { authorization, ...headers }, redirect: 'manual' };
  return fetch(new URL(`/admin/jobs${query}`, url), options);
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
