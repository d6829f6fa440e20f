import { inspect } from 'node:util';
import type { JobFailure } from '../job/job.js';

/** What is kept of a thrown value, whatever was thrown: an error, a string, `undefined`, an object whose getters throw. */
export function toFailure(thrown: unknown): JobFailure {
  try {
    return thrown instanceof Error ? failureOf(thrown) : { name: 'Error', message: textOf(thrown) };
  } catch {
    return { name: 'Error', message: UNREADABLE };
  }
}

/** Causes may lead in a circle. */
const MOST_STACKS = 6;
const UNREADABLE = 'A value was thrown that cannot be read.';

/** Each by itself: a stack that cannot be had, by a broken `Error.prepareStackTrace` say, must not hide the message. */
function failureOf(error: Error): JobFailure {
  const failure: JobFailure = {
    name: readable(() => String(error.name), 'Error'),
    message: readable(() => String(error.message), UNREADABLE),
  };
  const stack: unknown = readable(() => error.stack, undefined);
  if (typeof stack === 'string') failure.stack = stack;
  return failure;
}

/** For a log: the stack of what was thrown, then those of its causes. */
export function stacksOf(thrown: unknown): string | undefined {
  const stacks: string[] = [];
  let error = thrown;
  while (isError(error) && stacks.length < MOST_STACKS) {
    const { name, message, stack = `${name}: ${message}` } = failureOf(error);
    stacks.push(stack);
    error = causeOf(error);
  }
  return stacks.length > 0 ? stacks.join('\nCaused by: ') : undefined;
}

function isError(thrown: unknown): thrown is Error {
  return readable(() => thrown instanceof Error, false);
}

function causeOf(error: Error): unknown {
  return readable(() => error.cause, undefined);
}

function readable<T>(read: () => T, instead: T): T {
  try {
    return read();
  } catch {
    return instead;
  }
}

function textOf(thrown: unknown): string {
  return typeof thrown === 'string' ? thrown : inspect(thrown, { depth: 2 });
}

/** An error again, for whoever waits for a job that failed elsewhere or earlier. */
export function toError(failure: JobFailure): Error {
  const error = new Error(failure.message);
  error.name = failure.name;
  error.stack = failure.stack ?? `${failure.name}: ${failure.message}`;
  return error;
}
