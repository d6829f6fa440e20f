import { configure } from 'safe-stable-stringify';

const stringify = configure({ deterministic: false, circularValue: '[Circular]' });

/** What JSON keeps of a value: a copy that later changes cannot reach. A circle becomes `'[Circular]'`, a BigInt its digits. */
export function plainJson(value: unknown): unknown {
  if (value === undefined || value === null) return value;
  if (typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number') return Number.isFinite(value) ? value : null;
  try {
    const text = stringify(value, digitsOfBigInt);
    return text === undefined ? undefined : (JSON.parse(text) as unknown);
  } catch (error) {
    return `[No JSON: ${error instanceof Error ? error.message : 'toJSON failed'}]`;
  }
}

/** The same plain JSON once more, for a reader who may change it. */
export function copyOf(plain: unknown): unknown {
  const isShared = typeof plain === 'object' && plain !== null;
  return isShared ? (JSON.parse(JSON.stringify(plain)) as unknown) : plain;
}

function digitsOfBigInt(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value;
}
