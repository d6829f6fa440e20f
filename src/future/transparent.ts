import { inspect } from 'node:util';
import { HAND_OVER, type Pipelined } from './hand-over.js';
import { JobFuture } from './job-future.js';
import type { WaitNode } from './wait-graph.js';

/** A value to come that may be used as if it were there: what is read or called on it is a value to come in turn. */
export type Transparent<T> = Promise<T> & Piped<NonNullable<T>>;

// With `as`, an array is mapped as the object that it is, so that its `length` is to come as well.
type Piped<T> = {
  readonly [K in Exclude<keyof T, keyof Promise<unknown>> as K]: T[K] extends (
    ...args: infer A
  ) => infer R
    ? (...args: A) => Transparent<Awaited<R>>
    : Transparent<T[K]>;
};

/** The arguments of a function, or futures of them: the job starts when they are there. */
export type PipelinedArgs<A extends unknown[]> = {
  [K in keyof A]: A[K] | JobFuture<A[K]> | Transparent<A[K]>;
};

/** One step of the way from a future to what is finally wanted of it. */
interface Stage {
  /** As it is written, for errors. */
  readonly path: string;
  readonly source: PromiseLike<unknown>;
  value(): Promise<unknown>;
  /** What a call of it is a call on. */
  readonly owner?: Stage;
  readonly key?: PropertyKey;
}

/**
 * A job's future, to be used as if its result were there: properties and methods give futures again, and only
 * `await` waits. A method is called as soon as the result is there, whether it is awaited or not.
 * (Io's transparent futures.)
 * @param future What a method in the background returned; any other promise will do.
 * @example const rows = await transparent(this.reports.build(7)).rows.length;
 */
export function transparent<T>(future: PromiseLike<T>): Transparent<T> {
  const value = (): Promise<unknown> => resultOf(future);
  return standInFor({ path: 'transparent(…)', source: future, value }) as Transparent<T>;
}

/** Asked for by who takes streams beside promises: this is none. */
const STREAMS = new Set<PropertyKey>([
  Symbol.asyncIterator,
  '@@observable',
  (Symbol as { readonly observable?: symbol }).observable ?? '@@observable',
]);

function standInFor(stage: Stage): unknown {
  // A function, because only of a function the stand-in can be called.
  const target = Object.assign(function () {}, {
    // Looked for on the target, not on the proxy.
    [inspect.custom]: () => `Transparent { ${stage.path} }`,
  });
  return new Proxy(target, {
    get: (_target, key) => {
      if (STREAMS.has(key)) return undefined;
      return meant(stage, key) ?? standInFor(propertyOf(stage, key));
    },
    apply: (_target, _this, args: unknown[]) => standInFor(callOf(stage, args)),
    has: (_target, key) => key === HAND_OVER,
    set: (_target, key) => {
      throw new TypeError(`${stage.path}.${String(key)} cannot be set: await the object first.`);
    },
  });
}

/** What is asked of the stand-in itself; anything else is asked of the value to come. */
function meant(stage: Stage, key: PropertyKey): unknown {
  switch (key) {
    case 'then':
      return (...handlers: Parameters<Promise<unknown>['then']>) => wait(stage).then(...handlers);
    case 'catch':
      return (handler: (error: unknown) => unknown) => wait(stage).catch(handler);
    case 'finally':
      return (handler: () => void) => wait(stage).finally(handler);
    case HAND_OVER:
      return (receiver: WaitNode) => handOver(stage, receiver);
    case Symbol.toStringTag:
      return 'Transparent';
    case Symbol.toPrimitive:
    case Symbol.iterator:
      return refuse(stage);
    default:
      return undefined;
  }
}

function refuse({ path }: Stage): () => never {
  return () => {
    throw new TypeError(`${path} is still to come: write (await ${path}) to use its value here.`);
  };
}

function propertyOf(owner: Stage, key: PropertyKey): Stage {
  const path = `${owner.path}.${String(key)}`;
  const value = (): Promise<unknown> =>
    owner.value().then((object) => (object as Record<PropertyKey, unknown>)[key]);
  return { path, source: owner.source, value, owner, key };
}

function callOf(stage: Stage, args: unknown[]): Stage {
  const called = call(stage, args);
  // The failure of the job is told by the job; a failure of the call is told where the call is awaited.
  resultOf(stage.source).catch(() => called.catch(() => {}));
  // JSON.stringify calls it on whatever it comes across, and awaits nothing.
  if (stage.key === 'toJSON') called.catch(() => {});
  return { path: `${stage.path}(…)`, source: stage.source, value: () => called };
}

async function call({ path, owner, key, value }: Stage, args: unknown[]): Promise<unknown> {
  const object = owner && (await owner.value());
  const method = owner ? (object as Record<PropertyKey, unknown>)[key!] : await value();
  if (typeof method !== 'function') throw new TypeError(`${path} is not a function.`);
  return Reflect.apply(method, object, args);
}

/** In the async context of the waiter, as `then` is. */
function wait(stage: Stage): Promise<unknown> {
  const refusal = stage.source instanceof JobFuture ? stage.source.beginWait() : undefined;
  return refusal ? Promise.reject(refusal) : stage.value();
}

async function handOver(stage: Stage, receiver: WaitNode): Promise<unknown> {
  await (stage.source as Partial<Pipelined>)[HAND_OVER]?.(receiver);
  return stage.value();
}

/** Without waiting: nobody's slot is lent for it. */
function resultOf(future: PromiseLike<unknown>): Promise<unknown> {
  return future instanceof JobFuture ? future.result() : Promise.resolve(future);
}
