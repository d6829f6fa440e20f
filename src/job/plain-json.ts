import { configure } from 'safe-stable-stringify';

const stringify = configure({ deterministic: false, circularValue: '[Circular]' });

const PLAIN = new Set(['undefined', 'string', 'boolean']);

/** Of longer binary data only the length is kept, in bytes: as JSON it would be a number for each byte. */
const MOST_BYTES = 4_096;

/**
 * What JSON keeps of a value: a copy that later changes cannot reach. A circle becomes `'[Circular]'`, a BigInt its digits,
 * a large Buffer `'[Buffer: 16000 bytes]'`.
 */
export function plainJson(value: unknown): unknown {
  if (typeof value === 'number') return Number.isFinite(value) ? value : null;
  if (value === null || PLAIN.has(typeof value)) return value;
  if (isLarge(value)) return lengthOf(value);
  try {
    const text = stringify(value, shortened);
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

function shortened(this: unknown, key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return String(value);
  if (typeof value !== 'object' || value === null) return value;
  // A Buffer has been made JSON of by now.
  const given = (this as Record<string, unknown>)[key];
  return isLarge(given) ? lengthOf(given) : value;
}

function isLarge(value: unknown): value is NodeJS.TypedArray {
  return ArrayBuffer.isView(value) && value.byteLength > MOST_BYTES;
}

function lengthOf({ constructor, byteLength }: NodeJS.TypedArray): string {
  return `[${constructor.name}: ${byteLength} bytes]`;
}
