import { ContextNotCarriedError } from '../errors/context.errors.js';
import { toFailure } from '../errors/failure.js';

/** How much may be carried, in bytes of JSON: it is stored with each job. */
const MOST = 16 * 1024;

/**
 * Carries what surrounds a call to the process that runs it: the values of a CLS library, a trace context. In the
 * process that calls none of this is needed, since the job runs in the async context of its caller.
 * @example forRoot({ context: { capture: () => ({ user: cls.get('user') }), restore: (values, run) => cls.run(() => { cls.set('user', values.user); run(); }) } })
 */
export interface ContextCarrier {
  /** Called with each call that may run elsewhere: plain JSON, at most 16 KiB; nothing for nothing. */
  capture(): Readonly<Record<string, unknown>> | undefined;
  /** Calls `run` at once, in the context that the values stand for. The job begins there. */
  restore(values: Readonly<Record<string, never>>, run: () => void): void;
}

/** What is to be stored with a call. @throws ContextNotCarriedError */
export function captured(carrier: ContextCarrier | undefined, name: string): object | undefined {
  if (!carrier) return undefined;
  try {
    const values = carrier.capture();
    if (values === undefined) return undefined;
    refuseLossy(values, 'context');
    refuseLarge(values);
    return values;
  } catch (error) {
    throw new ContextNotCarriedError(name, toFailure(error).message, { cause: error });
  }
}

/** Begins something in the context of a call. @throws ContextNotCarriedError where the carrier does not begin it */
export function restored<T>(
  carrier: ContextCarrier | undefined,
  name: string,
  values: object | undefined,
  run: () => T,
): T {
  if (!carrier || values === undefined) return run();
  let begun: { readonly value: T } | undefined;
  try {
    carrier.restore(values as Record<string, never>, () => (begun ??= { value: run() }));
  } catch (error) {
    throw new ContextNotCarriedError(name, toFailure(error).message, { cause: error });
  }
  if (begun) return begun.value;
  throw new ContextNotCarriedError(name, 'restore() did not call run() before it returned');
}

/** @throws TypeError with the path of what JSON would not keep as it is */
function refuseLossy(value: unknown, path: string): void {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return;
  if (typeof value === 'number' && Number.isFinite(value)) return;
  if (!isPlain(value)) throw new TypeError(`${path} is no plain JSON`);
  for (const [key, inner] of Object.entries(value)) refuseLossy(inner, `${path}.${key}`);
}

function isPlain(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return Array.isArray(value) || prototype === null || Object.getPrototypeOf(prototype) === null;
}

function refuseLarge(values: object): void {
  const size = Buffer.byteLength(JSON.stringify(values));
  if (size > MOST) throw new RangeError(`it has ${size} bytes, and may have ${MOST}`);
}
