import { toFailure } from '../errors/failure.js';
import { SuperJSON, type SuperJSONResult } from 'superjson';
import { ArgumentsNotSerializableError } from '../errors/thread.errors.js';
import { checkArguments } from './argument-check.js';
import { errorCodec } from './error-codec.js';
import type { JobDefinition } from './job-definition.js';
import { isPlainElsewhere } from './plain-object.js';

/** What a call may decide beside its arguments. */
type CallRules = Pick<JobDefinition, 'timeout' | 'onTimeout' | 'retries' | 'priority'>;

interface StoredCall {
  readonly args: unknown;
  readonly meta?: SuperJSONResult['meta'];
  readonly rules?: Partial<CallRules>;
  readonly context?: object;
}

/** A call that was read back: its arguments, and where it differs from the method's own rules. */
export interface RevivedCall {
  readonly args: readonly unknown[];
  readonly rules: Partial<CallRules>;
  /** What surrounded it, as a carrier captured it. */
  readonly context: object | undefined;
}

const codec = new SuperJSON();
codec.registerCustom<Buffer, string>(
  {
    isApplicable: (value): value is Buffer => Buffer.isBuffer(value),
    serialize: (buffer) => buffer.toString('base64'),
    deserialize: (text) => Buffer.from(text, 'base64'),
  },
  'Buffer',
);
// It would leave what is in them as it is.
codec.registerCustom<object, never>(
  {
    isApplicable: (value: unknown): value is object =>
      typeof value === 'object' &&
      value !== null &&
      !Array.isArray(value) &&
      isPlainElsewhere(value),
    serialize: (value) => codec.serialize({ ...value }) as never,
    deserialize: (stored) => codec.deserialize(stored),
  },
  'plain',
);
codec.registerCustom<Error, never>(errorCodec as never, 'Error');

/** The text of a call without arguments: there are many of those. */
const NOTHING_GIVEN = '{"args":[]}';

/**
 * A call as text, for a durable tracker: JSON plus Date, BigInt, Map, Set, undefined, Error, Buffer and the like.
 * @throws ArgumentsNotSerializableError with the path of what would not come back as it was.
 */
export function encodeCall(
  definition: JobDefinition,
  own: JobDefinition,
  args: readonly unknown[],
  context?: object,
): string {
  const rules = rulesOf(definition, own);
  if (args.length === 0 && !rules && !context) return NOTHING_GIVEN;
  const stored: StoredCall = { ...encodeArguments(definition.name, args), rules, context };
  return JSON.stringify(stored);
}

/** @throws where the text was written by something else. */
export function decodeCall(text: string): RevivedCall {
  const { args, meta, rules = {}, context } = JSON.parse(text, dropPrototypes) as StoredCall;
  const json = args as SuperJSONResult['json'];
  const decoded: unknown = meta ? codec.deserialize({ json, meta }, { inPlace: true }) : args;
  if (!Array.isArray(decoded)) throw new TypeError('The stored arguments are no list.');
  return { args: decoded, rules, context };
}

function encodeArguments(name: string, args: readonly unknown[]): StoredCall {
  try {
    if (checkArguments(name, args)) return { args };
    const { json, meta } = codec.serialize(args);
    return { args: json, meta };
  } catch (error) {
    if (error instanceof ArgumentsNotSerializableError) throw error;
    // Nested too deeply, or a getter that throws.
    throw new ArgumentsNotSerializableError(name, 'arguments', toFailure(error).message);
  }
}

/** Only what differs: where nothing was said for the call, the rules at the time of its run apply. */
function rulesOf(definition: JobDefinition, own: JobDefinition): Partial<CallRules> | undefined {
  if (definition === own) return undefined;
  const { timeout, onTimeout, retries, priority } = definition;
  const rules = { timeout, onTimeout, retries, priority };
  const entries = Object.entries(rules).filter(([rule, value]) => !isSame(own, rule, value));
  return Object.fromEntries(entries);
}

function isSame(own: JobDefinition, rule: string, value: unknown): boolean {
  return JSON.stringify(own[rule as keyof CallRules]) === JSON.stringify(value);
}

/** A stored text is not trusted: nothing in it may reach a prototype. */
function dropPrototypes(key: string, value: unknown): unknown {
  return key === '__proto__' || key === 'constructor' || key === 'prototype' ? undefined : value;
}
