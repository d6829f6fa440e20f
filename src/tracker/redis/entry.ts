export type { RedisClientLike } from './client-like.js';
export type { RedisTrackerOptions } from './redis-options.js';
export { redisTracker } from './redis.tracker.js';
