import { clearTimeout, setTimeout } from 'node:timers';
import { BackgroundError } from '../../errors/background.error.js';
import { PATIENCE, type RedisClient } from './redis-client.js';
import { messageOf } from './redis-connection.js';
import { hidePassword, type RedisSettings } from './redis-options.js';

/** The first version that has what is used of it. */
const LEAST = [6, 2] as const;
const REFUSED = /^(WRONGPASS|NOAUTH|NOPERM)\b/;

/** Connects, and goes on trying for some seconds: Redis may be starting too. @throws BackgroundError */
export async function connect(client: RedisClient, settings: RedisSettings): Promise<void> {
  let last: unknown;
  let refused = (): void => undefined;
  const onError = (error: unknown): void => {
    last = reasonOf(error);
    if (REFUSED.test(messageOf(last))) refused();
  };
  client.on('error', onError);
  const ready = new Promise<true>((resolve) => client.on('ready', () => resolve(true)));
  const over = new Promise<false>((resolve) => (refused = () => resolve(false)));
  const timer = setTimeout(refused, PATIENCE);
  client.connect().catch(onError);
  const isReady = await Promise.race([ready, over]);
  clearTimeout(timer);
  if (isReady) return;
  client.disconnect();
  throw noConnection(settings, last);
}

/** Asks Redis what it is. @returns what the user should be warned of. @throws BackgroundError where it is too old. */
export async function examine(client: RedisClient): Promise<string | undefined> {
  const info = await infoOf(client);
  const version = info.get('redis_version');
  if (version && isOlder(version)) {
    throw new BackgroundError(
      `redisTracker() needs Redis ${LEAST.join('.')} or later, or Valkey; this one is ${version}. Update it.`,
    );
  }
  const policy = info.get('maxmemory_policy');
  if (!policy || policy === 'noeviction') return undefined;
  return (
    `found that Redis may drop jobs when its memory is full: its maxmemory-policy is ${policy}. ` +
    `Set it to noeviction: redis-cli CONFIG SET maxmemory-policy noeviction, and the same in redis.conf`
  );
}

/** For how long Redis has been up, in ms; where it does not tell, for ever. */
export async function uptimeOf(client: RedisClient): Promise<number> {
  const seconds = (await infoOf(client).catch(() => undefined))?.get('uptime_in_seconds');
  return seconds === undefined ? Infinity : Number(seconds) * 1_000;
}

/** Some hosts allow none of it: then nothing is said. */
async function infoOf(client: RedisClient): Promise<ReadonlyMap<string, string>> {
  const asked = client.call('INFO').catch((error: unknown) => {
    if ((error as Error).name === 'ReplyError') return '';
    throw error;
  });
  const lines = String(await asked).split('\r\n');
  return new Map(lines.map((line) => line.split(':', 2) as [string, string]));
}

function isOlder(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major < LEAST[0] || (major === LEAST[0] && minor < LEAST[1]);
}

/** A cluster tells what is wrong with all of it; its last node knows more. */
function reasonOf(error: unknown): unknown {
  const { lastNodeError } = (error ?? {}) as { lastNodeError?: unknown };
  return lastNodeError ?? error;
}

function noConnection({ url, client }: RedisSettings, cause: unknown): BackgroundError {
  const where = url ? hidePassword(url) : addressOf(client!);
  const message = messageOf(cause ?? new Error('no answer'));
  const remedy = REFUSED.test(message)
    ? 'Correct the user and the password'
    : `Start Redis there, or correct ${url ? 'the url' : 'the options of the client'}`;
  return new BackgroundError(
    `redisTracker() could not connect to Redis at ${where}: ${message}. ${remedy}.`,
    { cause },
  );
}

function addressOf(client: object): string {
  const { options, startupNodes } = client as {
    options: { host?: string; port?: number; path?: string };
    startupNodes?: unknown[];
  };
  if (startupNodes) return 'the nodes of the cluster';
  return options.path ?? `${options.host}:${options.port}`;
}
