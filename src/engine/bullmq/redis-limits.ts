import type { Redis } from 'ioredis';
import type { KeyLimits } from './key-limits.js';

/** The time is Redis's own, so that no two clocks must agree. */
const TAKE = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
local isHolder = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not isHolder and redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[2]) then return 0 end
redis.call('ZADD', KEYS[1], now + ARGV[3], ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1`;

/** More than there will ever be. */
const ANY_NUMBER = 1e9;

/** A sorted set for each key: who holds a place, and until when. */
export class RedisLimits implements KeyLimits {
  constructor(
    private readonly redis: Redis,
    private readonly prefix: string,
    /** How long a place is held unless it is renewed; in ms. */
    private readonly lease: number,
  ) {}

  async take(key: string, places: number, holder: string): Promise<boolean> {
    return (await this.redis.eval(TAKE, 1, this.#keyOf(key), holder, places, this.lease)) === 1;
  }

  async force(key: string, holder: string): Promise<void> {
    await this.take(key, ANY_NUMBER, holder);
  }

  async leave(key: string, holder: string): Promise<void> {
    await this.redis.zrem(this.#keyOf(key), holder);
  }

  #keyOf(key: string): string {
    return `${this.prefix}:${key}`;
  }
}
