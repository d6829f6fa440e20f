import { BackgroundOptionsError } from '../errors/setup.errors.js';
import { parseDuration } from '../job/duration.js';
import type {
  BackgroundOptions,
  ConcurrencyOptions,
  RetryOptions,
  TransactionOptions,
  UniqueOptions,
} from './background-options.js';

/** The code of a job: any function, called on the instance it belongs to. */
export type JobMethod = (this: unknown, ...args: never[]) => unknown;

/** A job's name, its code and its rules: durations in ms, defaults filled in. */
export interface JobDefinition {
  readonly name: string;
  readonly method: JobMethod;
  readonly timeout: number | undefined;
  readonly onTimeout: 'throw' | 'value';
  readonly retries: RetryRules;
  readonly delay: number;
  readonly priority: number;
  readonly concurrency: { readonly limit: number; readonly key: KeyOf | undefined } | undefined;
  /** `for` in ms. */
  readonly unique: { readonly key: KeyOf; readonly for: number } | undefined;
  /** Where a thread finds the method; `undefined` where it runs right here. */
  readonly thread: ThreadPlace | undefined;
  readonly transaction: boolean | TransactionOptions | undefined;
}

/** A class by its name, and one of its methods. */
export interface ThreadPlace {
  readonly owner: string;
  readonly key: string;
}

/** Tells calls apart by their arguments. */
export type KeyOf = (...args: never[]) => unknown;

interface RetryRules {
  readonly limit: number;
  readonly delay: number;
  readonly backoff: 'fixed' | 'exponential';
  readonly jitter: number;
}

/** What applies where a method does not say otherwise. */
export type JobDefaults = Pick<BackgroundOptions, 'timeout' | 'retries' | 'transaction'>;

/** The rules of a job from checked options: those of the call, of the method, of the application, in this order. */
export function defineJob(
  method: JobMethod,
  name: string,
  place: ThreadPlace | undefined,
  ...options: readonly (BackgroundOptions | JobDefaults | undefined)[]
): JobDefinition {
  const chosen = Object.assign({}, ...options.toReversed().map(givenOnly)) as BackgroundOptions;
  return {
    name: chosen.name ?? name,
    method,
    // 0 stands for none: so a method has none where the application has one.
    timeout: parseDuration(chosen.timeout) || undefined,
    onTimeout: chosen.onTimeout ?? 'throw',
    retries: retryRules(name, chosen.retries ?? 0),
    delay: parseDuration(chosen.delay) ?? 0,
    priority: chosen.priority ?? 0,
    concurrency: concurrencyRules(name, chosen.concurrency),
    unique: uniqueRules(name, chosen.unique),
    thread: chosen.thread ? place : undefined,
    transaction: chosen.transaction,
  };
}

/** In ms. */
const LONGEST_BACKOFF = 86_400_000;

/** When the attempt after this one is due, in ms from now; `undefined` where there is none. */
export function retryDelay(
  { retries }: JobDefinition,
  attempt: number,
  random: number,
): number | undefined {
  if (attempt > retries.limit) return undefined;
  const full = retries.backoff === 'fixed' ? retries.delay : doubled(retries.delay, attempt - 1);
  return Math.round(full * (1 - retries.jitter * random));
}

/** So often, but no longer than a day, or than the delay that was asked for. */
function doubled(delay: number, times: number): number {
  return Math.max(delay, Math.min(delay * 2 ** times, LONGEST_BACKOFF));
}

/** @throws BackgroundOptionsError without a limit. */
function retryRules(name: string, retries: number | RetryOptions): RetryRules {
  const given: Partial<RetryOptions> = typeof retries === 'number' ? { limit: retries } : retries;
  return {
    limit: needed(name, 'retries', 'limit', given.limit),
    delay: parseDuration(given.delay) ?? 1000,
    backoff: given.backoff ?? 'exponential',
    jitter: given.jitter ?? 0,
  };
}

/** @throws BackgroundOptionsError without a limit: the rest of the check was made where the options were given. */
function concurrencyRules(
  name: string,
  given: number | ConcurrencyOptions | undefined,
): JobDefinition['concurrency'] {
  if (given === undefined) return undefined;
  const { limit, key } = typeof given === 'number' ? { limit: given } : given;
  return { limit: needed(name, 'concurrency', 'limit', limit), key };
}

function uniqueRules(name: string, given: UniqueOptions | undefined): JobDefinition['unique'] {
  if (given === undefined) return undefined;
  return { key: needed(name, 'unique', 'key', given.key), for: parseDuration(given.for) ?? 0 };
}

function needed<T>(name: string, option: string, part: string, given: T | undefined): T {
  if (given !== undefined) return given;
  throw new BackgroundOptionsError(
    `${option}.${part}`,
    given,
    `Job ${name}: { ${option} } has no "${part}". Give it one: { ${option}: { ${part}: … } }.`,
  );
}

function givenOnly(options: object | undefined): object {
  return Object.fromEntries(
    Object.entries(options ?? {}).filter(([, value]) => value !== undefined),
  );
}
