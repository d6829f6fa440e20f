import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { freePort } from './free-port.js';

/** Names of keys that no other test has. */
export function newPrefix(): string {
  return `test-${randomBytes(6).toString('hex')}`;
}

/** Removes all keys of a prefix. */
export async function removeKeys(url: string, prefix: string): Promise<void> {
  const redis = new Redis(url);
  for (const pattern of [`${prefix}:*`, `{${prefix}}:*`]) {
    for await (const keys of redis.scanStream({ match: pattern, count: 1_000 })) {
      if ((keys as string[]).length > 0) await redis.del(...(keys as string[]));
    }
  }
  redis.disconnect();
}

/** A Redis of the test's own, which it may stop and start again. */
export interface RedisServer extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  start(): Promise<void>;
  /** Ends it; what was written is kept. */
  stop(): Promise<void>;
  /** It stands still: it takes connections and answers nothing. */
  freeze(): void;
  thaw(): void;
}

export async function ownRedis(...options: string[]): Promise<RedisServer> {
  const port = await freePort();
  const folder = await mkdtemp(join(tmpdir(), 'background-redis-'));
  let child: ChildProcess | undefined;
  const server: RedisServer = {
    port,
    url: `redis://127.0.0.1:${port}`,
    async start() {
      if (isAlive(child)) return;
      const given = ['--save', '', '--appendonly', 'yes', '--appendfsync', 'always'];
      const own = ['--port', String(port), '--dir', folder, '--bind', '127.0.0.1'];
      child = spawn(process.env['REDIS_SERVER'] ?? 'redis-server', [...own, ...given, ...options], {
        stdio: 'ignore',
      });
      await once(child, 'spawn');
      await untilAnswering(port, options);
    },
    async stop() {
      if (!isAlive(child)) return;
      const exited = once(child, 'exit');
      child.kill('SIGCONT');
      child.kill('SIGKILL');
      await exited;
    },
    freeze: () => void child?.kill('SIGSTOP'),
    thaw: () => void child?.kill('SIGCONT'),
    async [Symbol.asyncDispose]() {
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
  await server.start();
  return server;
}

function isAlive(child: ChildProcess | undefined): child is ChildProcess {
  return child !== undefined && child.exitCode === null && child.signalCode === null;
}

async function untilAnswering(port: number, options: readonly string[]): Promise<void> {
  const password = options[options.indexOf('--requirepass') + 1];
  const auth = options.includes('--requirepass') ? { password } : {};
  const redis = new Redis({ port, host: '127.0.0.1', retryStrategy: () => 20, ...auth });
  redis.on('error', () => undefined);
  await redis.ping();
  redis.disconnect();
}
