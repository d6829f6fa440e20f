import { inspect } from 'node:util';
import { closest, distance } from 'fastest-levenshtein';
import { parseDuration } from '../job/duration.js';
import { isJobId } from '../job/job-id.js';
import { BackgroundOptionsError } from './setup.errors.js';

/** What an option must be, in words that finish the sentence "it must be …", and the test of it. */
export interface OptionRule {
  readonly expected: string;
  accepts(value: unknown): boolean;
  /** The options within this one, where it is an object of them. */
  readonly within?: OptionRules;
}

export type OptionRules = Readonly<Record<string, OptionRule>>;

export const aDuration: OptionRule = {
  expected: 'a number of ms that is not negative, or a text such as "250ms", "10s", "5m", "1h"',
  accepts: (value) => parseDuration(value) !== undefined,
};

/** PostgreSQL stores no NUL, and refuses a whole query for one. */
export const aText: OptionRule = {
  expected: 'a text that is not empty, and has no NUL in it',
  accepts: (value) => typeof value === 'string' && value !== '' && !value.includes('\0'),
};

/** What the column has room for, in which a tracker keeps it. */
const LONGEST_NAME = 255;

export const aName: OptionRule = {
  expected: `${aText.expected}, of ${LONGEST_NAME} characters at most`,
  accepts: (value) => aText.accepts(value) && (value as string).length <= LONGEST_NAME,
};

export const aJobId: OptionRule = {
  expected: 'the id of a job',
  accepts: isJobId,
};

export const aTextOrUrl: OptionRule = {
  expected: 'a path or a URL',
  accepts: (value) => value instanceof URL || aText.accepts(value),
};

export const aFunction: OptionRule = {
  expected: 'a function',
  accepts: (value) => typeof value === 'function',
};

export const aFlag: OptionRule = {
  expected: 'true or false',
  accepts: (value) => typeof value === 'boolean',
};

export const anInteger: OptionRule = {
  expected: 'a whole number',
  accepts: (value) => Number.isSafeInteger(value),
};

export const anything: OptionRule = { expected: 'anything', accepts: () => true };

export function aCount(least: number): OptionRule {
  return {
    expected: `a whole number, ${least} or more, or Infinity`,
    accepts: (value) =>
      value === Infinity || (Number.isSafeInteger(value) && (value as number) >= least),
  };
}

export function aFraction(): OptionRule {
  return {
    expected: 'a number from 0 to 1',
    accepts: (value) => typeof value === 'number' && value >= 0 && value <= 1,
  };
}

export function oneOf(...values: readonly (string | boolean)[]): OptionRule {
  return {
    expected: values.map((value) => inspect(value)).join(' or '),
    accepts: (value) => values.includes(value as string | boolean),
  };
}

export function anObjectOf(within: OptionRules): OptionRule {
  return { expected: 'an object of options', accepts: isObject, within };
}

/** An object that has these methods, such as a tracker. */
export function anObjectWith(what: string, ...methods: readonly string[]): OptionRule {
  return {
    expected: what,
    accepts: (value) =>
      isObject(value) && methods.every((method) => typeof value[method] === 'function'),
  };
}

export function either(first: OptionRule, second: OptionRule): OptionRule {
  return {
    expected: `${first.expected}, or ${second.expected}`,
    accepts: (value) => first.accepts(value) || second.accepts(value),
    within: second.within,
  };
}

/**
 * Refuses what cannot be meant: options of no known name (with the nearest known one), values of the wrong kind.
 * @throws BackgroundOptionsError
 */
export function checkOptions(where: string, options: unknown, rules: OptionRules): void {
  if (options === undefined) return;
  if (!isObject(options)) {
    throw new BackgroundOptionsError(
      where,
      options,
      `${where} takes an object of options, not ${show(options)}.`,
    );
  }
  for (const [name, value] of Object.entries(options)) {
    const rule = Object.hasOwn(rules, name) ? rules[name] : undefined;
    if (!rule) throw unknownOption(where, name, value, Object.keys(rules));
    checkOption(where, name, value, rule);
  }
}

function checkOption(where: string, name: string, value: unknown, rule: OptionRule): void {
  if (value === undefined) return;
  if (!rule.accepts(value)) {
    throw new BackgroundOptionsError(
      name,
      value,
      `${where}: "${name}" is ${show(value)}. It must be ${rule.expected}.`,
    );
  }
  if (rule.within && isObject(value)) checkOptions(`${where}, in "${name}"`, value, rule.within);
}

function unknownOption(
  where: string,
  name: string,
  value: unknown,
  known: readonly string[],
): BackgroundOptionsError {
  const nearest = nearestOf(name, known);
  const remedy = nearest ? `Did you mean "${nearest}"?` : `Known are: ${known.join(', ')}.`;
  return new BackgroundOptionsError(
    name,
    value,
    `${where}: there is no option "${name}". ${remedy}`,
  );
}

/** The name that was probably meant: one that has at least half of its letters in common. */
function nearestOf(name: string, known: readonly string[]): string | undefined {
  const inSmallLetters = known.map((other) => other.toLowerCase());
  const nearest = closest(name.toLowerCase(), inSmallLetters);
  const isNear = distance(name.toLowerCase(), nearest) <= Math.max(name.length, nearest.length) / 2;
  return isNear ? known[inSmallLetters.indexOf(nearest)] : undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A value, as an error message shows it. */
export function show(value: unknown): string {
  return inspect(value, { depth: 0, breakLength: Infinity });
}
