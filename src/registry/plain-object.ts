/**
 * Whether it is an object or a list without a class, though not of this realm's: parsers make objects whose prototype is
 * empty, as Fastify's of queries and parameters, and tests in Jest are given some of the realm around them.
 */
export function isPlainElsewhere(value: object): boolean {
  const prototype = Object.getPrototypeOf(value) as object | null;
  if (prototype === null || prototype === Object.prototype) return false;
  if (Array.isArray(value)) return prototype !== Array.prototype && isRoot(parentOf(prototype));
  return isRoot(prototype);
}

/** What plain objects inherit from, in whatever realm, or nothing at all. */
function isRoot(prototype: object | null): boolean {
  if (prototype === null || parentOf(prototype) !== null) return false;
  return Object.hasOwn(prototype, 'isPrototypeOf') || Reflect.ownKeys(prototype).length === 0;
}

function parentOf(prototype: object): object | null {
  return Object.getPrototypeOf(prototype) as object | null;
}
