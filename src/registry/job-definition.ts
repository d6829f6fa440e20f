import { parseDuration } from '../job/duration.js';
import type { BackgroundOptions, RetryOptions, TransactionOptions } from './background-options.js';

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
  readonly transaction: boolean | TransactionOptions | undefined;
}

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
  ...options: readonly (BackgroundOptions | JobDefaults | undefined)[]
): JobDefinition {
  const chosen = Object.assign({}, ...options.toReversed().map(givenOnly)) as BackgroundOptions;
  return {
    name: chosen.name ?? name,
    method,
    timeout: parseDuration(chosen.timeout),
    onTimeout: chosen.onTimeout ?? 'throw',
    retries: retryRules(chosen.retries ?? 0),
    delay: parseDuration(chosen.delay) ?? 0,
    priority: chosen.priority ?? 0,
    transaction: chosen.transaction,
  };
}

/** When the attempt after this one is due, in ms from now; `undefined` where there is none. */
export function retryDelay(
  { retries }: JobDefinition,
  attempt: number,
  random: number,
): number | undefined {
  if (attempt > retries.limit) return undefined;
  const full = retries.backoff === 'fixed' ? retries.delay : retries.delay * 2 ** (attempt - 1);
  return full * (1 - retries.jitter * random);
}

function retryRules(retries: number | RetryOptions): RetryRules {
  const given = typeof retries === 'number' ? { limit: retries } : retries;
  return {
    limit: given.limit ?? 0,
    delay: parseDuration(given.delay) ?? 1000,
    backoff: given.backoff ?? 'exponential',
    jitter: given.jitter ?? 0,
  };
}

function givenOnly(options: object | undefined): object {
  return Object.fromEntries(
    Object.entries(options ?? {}).filter(([, value]) => value !== undefined),
  );
}
