import type { BackgroundMethod } from './job-registry.js';

/** On the function that stands in for a decorated method: what it stands for. */
const NOTED = Symbol('nestjs-background:noted-method');
/** On the class: its decorated methods by key, inherited ones included. */
const METHODS = 'nestjs-background:methods';

type Noting = { [NOTED]?: BackgroundMethod };

/** Notes a decorated method on its stand-in and on its class. */
export function noteMethod(owner: Function, standIn: Function, noted: BackgroundMethod): void {
  Object.defineProperty(standIn, NOTED, { value: noted });
  const methods = new Map(backgroundMethodsOf(owner)).set(noted.key, noted);
  Reflect.defineMetadata(METHODS, methods, owner);
}

/** What a function stands for, if it is a decorated method. */
export function notedMethodOf(standIn: Function): BackgroundMethod | undefined {
  return (standIn as Noting)[NOTED];
}

/** The decorated methods of a class, inherited ones included. */
export function backgroundMethodsOf(
  owner: Function,
): ReadonlyMap<string | symbol, BackgroundMethod> {
  const methods: unknown = Reflect.getMetadata(METHODS, owner);
  return (methods as Map<string | symbol, BackgroundMethod> | undefined) ?? new Map();
}
