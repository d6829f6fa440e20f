import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Redis } from 'ioredis';
import pg from 'pg';

const REDIS = process.env.REDIS_URL ?? 'redis://127.0.0.1:6379';
const POSTGRES = process.env.PG_URL ?? 'postgres://postgres@127.0.0.1:5432/postgres';
const name = `sample_${randomBytes(4).toString('hex')}`;
const missing =
  (await isThere(askRedis)) && (await isThere(askPostgres)) ? false : 'needs both services';

test('a job runs in the worker, and is watched in the web process', { skip: missing }, async () => {
  await query(`CREATE SCHEMA ${name}`);
  const web = await start('main.js', /http:\S+/);
  const worker = await start('worker.js', /process (\d+)/);
  try {
    const url = web.said.replace('localhost', '127.0.0.1');
    const started = await fetch(`${url}?frames=3`, { redirect: 'manual' });
    assert.equal(started.status, 303);
    const location = new URL(started.headers.get('location'), url);
    // The page stays open until the job is over.
    const page = await (await fetch(location, { headers: { accept: 'text/html' } })).text();
    assert.match(page, new RegExp(`asked for in process ${web.pid}`));
    assert.match(page, new RegExp(`rendering in process ${worker.pid}`));
    assert.match(page, /frame 3.*Completed.*<\/html>\n$/s);
  } finally {
    await Promise.all([web.stop(), worker.stop()]);
    await query(`DROP SCHEMA ${name} CASCADE`);
    await forgetQueue();
  }
});

async function start(file, sign) {
  const main = fileURLToPath(new URL(`../dist/${file}`, import.meta.url));
  const env = { ...process.env, PORT: '0', STEP: '50', QUEUE: name, PG_SCHEMA: name };
  const child = spawn(process.execPath, [main], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const stop = async () => {
    child.kill('SIGTERM');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  };
  for await (const line of createInterface(child.stdout)) {
    const said = sign.exec(line)?.[0];
    if (said) return { said, stop, pid: child.pid };
  }
  throw new Error('The application ended before it was ready.');
}

async function isThere(ask) {
  try {
    await ask();
    return true;
  } catch {
    return false;
  }
}

async function askRedis() {
  const redis = new Redis(REDIS, { retryStrategy: () => null, maxRetriesPerRequest: 0 });
  redis.on('error', () => {});
  await redis.ping().finally(() => redis.disconnect());
}

async function askPostgres() {
  await query('SELECT 1');
}

async function query(sql) {
  const client = new pg.Client(POSTGRES);
  await client.connect();
  await client.query(sql).finally(() => client.end());
}

async function forgetQueue() {
  const redis = new Redis(REDIS);
  const keys = await redis.keys(`bull:${name}:*`);
  if (keys.length > 0) await redis.del(keys);
  redis.disconnect();
}
