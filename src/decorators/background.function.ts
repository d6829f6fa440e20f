import { BackgroundError } from '../errors/background.error.js';
import { checkOptions, show } from '../errors/check-options.js';
import type { JobFuture } from '../future/job-future.js';
import type { PipelinedArgs } from '../future/transparent.js';
import { BACKGROUND_OPTIONS, type BackgroundOptions } from '../registry/background-options.js';
import type { JobMethod } from '../registry/job-definition.js';
import type { BackgroundRuntime } from '../runtime/background-runtime.js';
import { ambientRuntime } from '../runtime/embedded-runtime.js';
import { notedMethodOf } from '../registry/noted-method.js';
import { attachedRuntime } from './runtime-injection.js';

/** A function as it is called in the background. Its arguments may be futures of other jobs. */
export type InBackground<F> = F extends (...args: infer A) => infer R
  ? (...args: PipelinedArgs<A>) => JobFuture<Awaited<R>>
  : never;

/** An instance whose methods run in the background. */
export type BackgroundView<T> = {
  readonly [K in keyof T as T[K] extends (...args: never[]) => unknown ? K : never]: InBackground<
    T[K]
  >;
};

/**
 * The same function, in the background: a call returns a `JobFuture` at once. With an instance, the same for each of
 * its methods, whether decorated or not, and with options for these calls. Joins the application whose code calls it
 * (or that made the instance); anywhere else, as in a plain script, it runs on an embedded default.
 * (PyBackground's `background`.)
 * @throws BackgroundOptionsError for options that cannot be meant.
 * @example const slow = background(fetchAll)(url); … await slow;
 * @example background(this.reports, { delay: '5m' }).build(7);
 */
export function background<F extends (...args: never[]) => unknown>(
  fn: F,
  options?: BackgroundOptions,
): InBackground<F>;
export function background<T extends object>(
  instance: T,
  options?: BackgroundOptions,
): BackgroundView<T>;
export function background(subject: object, options?: BackgroundOptions): unknown {
  checkOptions('background()', options, BACKGROUND_OPTIONS);
  if (typeof subject === 'function') return functionInBackground(subject as JobMethod, options);
  if (typeof subject === 'object' && subject !== null) return viewOf(subject, options);
  throw new BackgroundError(
    `background() was given ${show(subject)}. Give it a function, or an instance whose methods to call.`,
  );
}

/** Starts a job that runs a function. */
export function dispatchFunction(
  { registry, dispatcher }: BackgroundRuntime,
  fn: JobMethod,
  args: readonly unknown[],
  options?: BackgroundOptions,
  target?: unknown,
): JobFuture<unknown> {
  const definition = registry.defineFunction(fn, fn.name || 'anonymous', options);
  return dispatcher.dispatch(definition, target, args);
}

function functionInBackground(fn: JobMethod, options: BackgroundOptions | undefined): Function {
  return function (this: unknown, ...args: unknown[]) {
    return dispatchFunction(ambientRuntime(), fn, args, options, this);
  };
}

function viewOf(instance: object, options: BackgroundOptions | undefined): object {
  return new Proxy(
    {},
    {
      get(_target, key) {
        const member: unknown = Reflect.get(instance, key, instance);
        if (typeof member !== 'function') return member;
        return (...args: unknown[]) => dispatchMember(instance, key, member, args, options);
      },
    },
  );
}

function dispatchMember(
  instance: object,
  key: string | symbol,
  member: Function,
  args: readonly unknown[],
  options: BackgroundOptions | undefined,
): JobFuture<unknown> {
  const { registry, dispatcher } = attachedRuntime(instance) ?? ambientRuntime();
  const owner = (instance.constructor as Function | undefined) ?? Object;
  const noted = notedMethodOf(member) ?? { key, method: member as JobMethod, options: undefined };
  return dispatcher.dispatch(registry.define(owner, noted, options), instance, args);
}
