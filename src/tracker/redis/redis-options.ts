import { aDuration, aText, checkOptions, type OptionRule } from '../../errors/check-options.js';
import { BackgroundOptionsError } from '../../errors/setup.errors.js';
import { parseDuration, type Duration } from '../../job/duration.js';
import { isRedisClient, type RedisClientLike } from './client-like.js';

/** What `redisTracker` takes: `url` or `client`, and what can be left out. */
export interface RedisTrackerOptions {
  /** Where Redis is: `redis://user:password@host:6379/0`, or `rediss://…` with TLS. */
  url?: string;
  /** Instead of `url`, a client or cluster of ioredis: the tracker connects as it does, and leaves it alone. */
  client?: RedisClientLike;
  /** What the names of its keys begin with; default `'background'`. Applications with the same one share their jobs. */
  prefix?: string;
  /** How long jobs stay that a dead process left unfinished and that no other one runs; default `'1h'`. */
  expiry?: Duration;
  /** How long a process may be silent before its jobs are taken over; default `'5s'`. */
  lease?: Duration;
  /** How often each process looks for jobs that another left unfinished; default `'2s'`. */
  recovery?: Duration;
}

/** The options with every default, durations in ms. */
export interface RedisSettings {
  readonly url: string | undefined;
  readonly client: RedisClientLike | undefined;
  readonly prefix: string;
  readonly expiry: number;
  readonly lease: number;
  readonly recovery: number;
}

const aRedisUrl: OptionRule = {
  expected: 'a URL such as redis://127.0.0.1:6379, or rediss:// with TLS',
  accepts: (value) =>
    typeof value === 'string' && /^rediss?:\/\//.test(value) && URL.canParse(value),
};
const aPrefix: OptionRule = {
  expected: 'a text that is not empty and has no braces, which have a meaning in names of keys',
  accepts: (value) => aText.accepts(value) && !/[{}]/.test(value as string),
};
const aLivingTime: OptionRule = {
  expected: `${aDuration.expected}, of 100 ms at least`,
  accepts: (value) => (parseDuration(value) ?? 0) >= 100,
};

const RULES = {
  url: aRedisUrl,
  client: { expected: 'a client or a cluster of ioredis', accepts: isRedisClient },
  ...{ prefix: aPrefix, expiry: aLivingTime, lease: aLivingTime, recovery: aDuration },
};

/** @throws BackgroundOptionsError */
export function readRedisOptions(options: RedisTrackerOptions = {}): RedisSettings {
  checkOptions('redisTracker()', withoutPassword(options), RULES);
  const { url, client, prefix = 'background' } = options;
  if ((url === undefined) === (client === undefined)) {
    throw new BackgroundOptionsError(
      'url',
      undefined,
      `redisTracker() was given ${url === undefined ? 'neither' : 'both'} of url and client. Give it one: ` +
        `redisTracker({ url: 'redis://127.0.0.1:6379' }), or redisTracker({ client }) with a client of ioredis.`,
    );
  }
  return {
    ...{ url, client, prefix },
    expiry: parseDuration(options.expiry ?? '1h')!,
    lease: parseDuration(options.lease ?? '5s')!,
    recovery: parseDuration(options.recovery ?? '2s')!,
  };
}

/** A message about options shows what was given. */
function withoutPassword(options: RedisTrackerOptions): unknown {
  const { url } = options;
  return typeof url === 'string' ? { ...options, url: hidePassword(url) } : options;
}

/** A URL as a message may show it. */
export function hidePassword(url: string): string {
  return url.replace(/\/\/[^/]*@/, '//');
}
