/** A client or a cluster of ioredis by shape: from whichever copy of it the application's comes. */
export interface RedisClientLike {
  readonly options: object;
  duplicate(...overrides: never[]): unknown;
}

export function isRedisClient(value: unknown): value is RedisClientLike {
  const { options, duplicate, call } = (value ?? {}) as Record<string, unknown>;
  return typeof options === 'object' && [duplicate, call].every((one) => typeof one === 'function');
}
