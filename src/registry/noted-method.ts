import type { BackgroundMethod } from './job-registry.js';

/** On the function that stands in for a decorated method: what it stands for. */
const NOTED = Symbol('nestjs-background:noted-method');
/** On the class: the methods that are decorated in it, by key. */
const METHODS = 'nestjs-background:methods';

type Methods = ReadonlyMap<string | symbol, BackgroundMethod>;
type Noting = { [NOTED]?: BackgroundMethod };

/** Notes a decorated method on its stand-in and on its class. */
export function noteMethod(owner: Function, standIn: Function, noted: BackgroundMethod): void {
  Object.defineProperty(standIn, NOTED, { value: noted });
  const methods = new Map(ownMethodsOf(owner)).set(noted.key, noted);
  Reflect.defineMetadata(METHODS, methods, owner);
}

/** What a function stands for, if it is a decorated method. */
export function notedMethodOf(standIn: Function): BackgroundMethod | undefined {
  return (standIn as Noting)[NOTED];
}

/** The decorated methods of a class, inherited ones included, unless it overrides them by others. */
export function backgroundMethodsOf(owner: Function): Methods {
  const methods = new Map<string | symbol, BackgroundMethod>();
  const overridden = new Set<string | symbol>();
  for (const ancestor of ancestry(owner)) {
    for (const [key, noted] of ownMethodsOf(ancestor)) {
      if (!overridden.has(key)) methods.set(key, noted);
    }
    Reflect.ownKeys((ancestor.prototype as object | undefined) ?? {}).forEach((key) =>
      overridden.add(key),
    );
  }
  return methods;
}

function ownMethodsOf(owner: Function): Methods {
  const methods: unknown = Reflect.getOwnMetadata(METHODS, owner);
  return (methods as Methods | undefined) ?? new Map();
}

/** A class, and what it extends, up to the last. */
function* ancestry(owner: Function): Generator<Function> {
  for (let each: unknown = owner; typeof each === 'function'; each = Reflect.getPrototypeOf(each)) {
    yield each;
  }
}
