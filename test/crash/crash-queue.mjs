import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { Redis } from 'ioredis';

/**
 * The queue of a crash run, if its engine needs one. In Redis it is a server of its own, which keeps nothing over a
 * restart: what is lost there must be found by the tracker.
 * @param {'local' | 'bullmq-redis' | 'bullmq-postgres'} engine
 * @param {string} url the database of the run
 */
export async function newCrashQueue(engine, url) {
  const queue = `crash-${randomBytes(6).toString('hex')}`;
  const rest = { queue, lock: '2s' };
  if (engine === 'bullmq-postgres') return { options: { postgres: url, ...rest }, ...NOTHING };
  if (engine === 'bullmq-redis') return redisQueue(rest);
  return { options: undefined, ...NOTHING };
}

const NOTHING = { restart: async () => {}, drop: async () => {} };

/** @param {object} rest */
async function redisQueue(rest) {
  const port = await freePort();
  let server = await startRedis(port);
  const stop = async () => {
    const exited = once(server, 'exit');
    server.kill('SIGKILL');
    await exited;
  };
  return {
    options: { redis: `redis://127.0.0.1:${port}`, ...rest },
    drop: stop,
    async restart() {
      await stop();
      await wait(Math.random() * 500);
      server = await startRedis(port);
    },
  };
}

/** @param {number} port */
async function startRedis(port) {
  const options = ['--port', `${port}`, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
  const server = spawn('redis-server', options, { stdio: 'ignore' });
  const redis = new Redis(port, { retryStrategy: () => 20, maxRetriesPerRequest: null });
  redis.on('error', () => {});
  await redis.ping();
  redis.disconnect();
  return server;
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  server.close();
  await once(server, 'close');
  return port;
}
