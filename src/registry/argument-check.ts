import { isProxy } from 'node:util/types';
import { ArgumentsNotSerializableError } from '../errors/thread.errors.js';
import { isPlainElsewhere } from './plain-object.js';

/** Keys that could reach a prototype when they are read back. */
const FORBIDDEN_KEYS = new Set(['__proto__', 'constructor', 'prototype']);

/** Whose instances the codec brings back as what they were. */
const KEPT = new Set<unknown>([
  ...[Object, Array, Date, Map, Set, RegExp, URL, Buffer, Uint8Array].map(
    (kind) => kind.prototype as object,
  ),
  null,
]);

/**
 * Walks through arguments and refuses what would not come back from JSON as it was, by its path. A circle is fine.
 * @returns Whether they are plain JSON, which needs no codec.
 * @throws ArgumentsNotSerializableError
 */
export function checkArguments(jobName: string, args: readonly unknown[]): boolean {
  const walk = new ArgumentWalk(jobName);
  args.forEach((arg, index) => walk.visit(arg, `arguments[${index}]`));
  return walk.isPlain;
}

class ArgumentWalk {
  isPlain = true;
  readonly #seen = new Set<object>();

  constructor(private readonly jobName: string) {}

  visit(value: unknown, path: string): void {
    if (value === null || typeof value === 'string' || typeof value === 'boolean') return;
    if (typeof value === 'object') return this.#visitObject(value, path);
    if (typeof value === 'function' || typeof value === 'symbol') {
      this.#refuse(path, `a ${typeof value}`);
    }
    if (!Number.isFinite(value) || Object.is(value, -0)) this.isPlain = false;
  }

  #visitObject(value: object, path: string): void {
    if (this.#seen.has(value)) {
      this.isPlain = false;
      return;
    }
    this.#seen.add(value);
    this.#checkKind(value, path);
    if (value instanceof Map || value instanceof Set) return this.#visitMembers(value, path);
    if (!ArrayBuffer.isView(value)) this.#visitProperties(value, path);
  }

  #checkKind(value: object, path: string): void {
    const prototype: unknown = Object.getPrototypeOf(value);
    const isElsewhere = isPlainElsewhere(value);
    const isKept = KEPT.has(prototype) || isElsewhere || value instanceof Error;
    if (!isKept) this.#refuse(path, describeInstance(value));
    if (value instanceof Date && Number.isNaN(value.getTime())) {
      this.#refuse(path, 'an invalid Date');
    }
    const isPlain = prototype === Object.prototype || isElsewhere || Array.isArray(value);
    if (!isPlain || isProxy(value)) this.isPlain = false;
  }

  #visitMembers(members: Map<unknown, unknown> | Set<unknown>, path: string): void {
    let index = 0;
    for (const [key, member] of members.entries()) {
      const at = `${path}[${index++}]`;
      if (members instanceof Map) this.visit(key, `${at}.key`);
      this.visit(member, at);
    }
  }

  #visitProperties(value: object, path: string): void {
    if (value instanceof Error) return this.#visitError(value, path);
    const entries = Object.entries(value);
    this.#refuseHidden(value, entries.length, path);
    for (const [key, member] of entries) {
      const at = Array.isArray(value) ? `${path}[${key}]` : `${path}.${key}`;
      if (FORBIDDEN_KEYS.has(key)) this.#refuse(at, 'a property of this name');
      this.visit(member, at);
    }
  }

  #visitError(error: Error, path: string): void {
    if ('cause' in error) this.visit(error.cause, `${path}.cause`);
    if (error instanceof AggregateError) this.visit(error.errors, `${path}.errors`);
  }

  /** What JSON leaves out without a word. */
  #refuseHidden(value: object, seen: number, path: string): void {
    const symbols = Object.getOwnPropertySymbols(value);
    const symbol = symbols.find((key) => Object.prototype.propertyIsEnumerable.call(value, key));
    if (symbol) this.#refuse(`${path}[${String(symbol)}]`, 'a property under a symbol');
    if (!Array.isArray(value) || seen >= value.length) return;
    this.#refuse(`${path}[${holeIn(value)}]`, 'a place where there is nothing');
  }

  #refuse(path: string, what: string): never {
    throw new ArgumentsNotSerializableError(this.jobName, path, what);
  }
}

function holeIn(list: readonly unknown[]): number {
  let index = 0;
  while (index in list) index += 1;
  return index;
}

function describeInstance(value: object): string {
  if (typeof (value as { then?: unknown }).then === 'function') return 'a promise';
  const name = (Object.getPrototypeOf(value) as { constructor?: Function }).constructor?.name;
  return `an instance of ${name || 'a class'}`;
}
