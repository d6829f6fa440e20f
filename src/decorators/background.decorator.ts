import { BackgroundError } from '../errors/background.error.js';
import { checkOptions } from '../errors/check-options.js';
import { BACKGROUND_OPTIONS, type BackgroundOptions } from '../registry/background-options.js';
import type { BackgroundMethod } from '../registry/job-registry.js';
import type { JobMethod } from '../registry/job-definition.js';
import { noteMethod } from '../registry/noted-method.js';
import { methodOf } from './method-of.js';
import { markRoute } from './route-door.js';
import { injectRuntime, runtimeOf } from './runtime-injection.js';

/**
 * The method runs in the background: a call returns at once, with a promise of the result that is a `JobFuture` too
 * (`jobOf` types it so). On a handler of a route, the whole handler is the job. (web.py's `background`.)
 *
 * Compiles only on methods that return a promise.
 * @throws BackgroundOptionsError at import, for options that cannot be meant.
 * @example
 * ```ts
 * @Background({ timeout: '10m', retries: 3 })
 * async build(id: number): Promise<number> { … }
 * ```
 */
export function Background(options?: BackgroundOptions) {
  return function <M extends (...args: never[]) => Promise<unknown>>(
    prototype: object,
    key: string | symbol,
    descriptor: TypedPropertyDescriptor<M>,
  ): void {
    const owner = classOf(prototype);
    const where = `@Background() on ${owner.name}.${String(key)}`;
    checkOptions(where, options, BACKGROUND_OPTIONS);
    const method = methodOf(descriptor, where) as JobMethod;
    const noted: BackgroundMethod = { key, method, options };
    const standIn = standInFor(noted);
    copyMetadata(method, standIn);
    descriptor.value = standIn as unknown as M;
    noteMethod(owner, standIn, noted);
    if (owner !== prototype) injectRuntime(prototype);
    markRoute(standIn);
  };
}

/** What is called in the method's place; it keeps its name and number of parameters. */
function standInFor(noted: BackgroundMethod): Function {
  const standIn = function (this: object, ...args: unknown[]): Promise<unknown> {
    if (this == null) throw lostInstance(noted);
    const { registry, dispatcher } = runtimeOf(this);
    return dispatcher.dispatch(registry.definitionOf(classOf(this), noted), this, args);
  };
  for (const property of ['name', 'length'] as const) {
    Object.defineProperty(standIn, property, { value: noted.method[property], configurable: true });
  }
  return standIn;
}

/** The class of an instance or a prototype; a class itself, where the method is static. */
function classOf(target: object): Function {
  return typeof target === 'function' ? target : target.constructor;
}

/** Whatever decorators below have noted on the method, they and Nest look for on the stand-in. */
function copyMetadata(from: Function, to: Function): void {
  for (const key of Reflect.getMetadataKeys(from)) {
    Reflect.defineMetadata(key, Reflect.getMetadata(key, from), to);
  }
}

function lostInstance({ key }: BackgroundMethod): BackgroundError {
  const name = String(key);
  return new BackgroundError(
    `${name}() is a @Background() method and was called without its instance. Call it as instance.${name}(), ` +
      `or wrap the instance: background(instance).${name}().`,
  );
}
