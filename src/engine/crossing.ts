/** Where in a value that is which cannot cross to another thread, such as `[1].onDone`, and why it cannot. */
export interface Obstacle {
  readonly path: string;
  readonly reason: string;
}

/** The first part of a value that cannot be copied to another thread; `undefined` where all of it can. */
export function obstacleIn(
  value: unknown,
  path = '',
  around = new Set<unknown>(),
): Obstacle | undefined {
  const reason = refusalOf(value);
  if (reason === undefined) return undefined;
  if (typeof value !== 'object' || value === null) return { path, reason };
  around.add(value);
  for (const [step, part] of partsOf(value)) {
    if (around.has(part)) continue;
    const obstacle = obstacleIn(part, path + step, around);
    if (obstacle) return obstacle;
  }
  return { path, reason };
}

function refusalOf(value: unknown): string | undefined {
  try {
    structuredClone(value);
    return undefined;
  } catch (error) {
    return error instanceof Object && 'message' in error ? String(error.message) : String(error);
  }
}

function* partsOf(value: object): Generator<[string, unknown]> {
  if (value instanceof Map) {
    for (const [key, part] of value) yield [`.get(${String(key)})`, part];
    return;
  }
  if (value instanceof Set) {
    for (const part of value) yield ['.values()', part];
    return;
  }
  const isArray = Array.isArray(value);
  for (const key of Object.keys(value)) {
    yield [isArray ? `[${key}]` : `.${key}`, (value as Record<string, unknown>)[key]];
  }
}
