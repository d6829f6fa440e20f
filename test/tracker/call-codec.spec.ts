import { Readable } from 'node:stream';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from '@jest/globals';
import { ArgumentsNotSerializableError } from '../../src/index.js';
import { decodeCall, encodeCall } from '../../src/registry/call-codec.js';
import { defineJob } from '../../src/registry/job-definition.js';

const own = defineJob(() => undefined, 'Some.job', undefined, { timeout: '1s' });
const encode = (...args: unknown[]): string => encodeCall(own, own, args);
const roundTrip = (...args: unknown[]): readonly unknown[] => decodeCall(encode(...args)).args;

class User {
  constructor(readonly name: string) {}
}

/** As fast-querystring has it, and with it Fastify. */
class Bare {}
Object.setPrototypeOf(Bare.prototype, null);
Reflect.deleteProperty(Bare.prototype, 'constructor');

class Rows extends Array<number> {}

describe('Arguments that are stored', () => {
  it.each([
    ['plain JSON', { a: [1, 'x', null, true, { b: {} }] }],
    ['a date', new Date(1_767_225_600_000)],
    ['a big integer', 12345678901234567890n],
    [
      'a map',
      new Map<unknown, unknown>([
        ['a', new Date(0)],
        [{ k: 1 }, new Set([1, 2])],
      ]),
    ],
    ['a set', new Set(['a', { b: 1n }])],
    ['undefined in places', { a: undefined, b: [undefined, 1] }],
    ['numbers that JSON has not', [NaN, Infinity, -Infinity, -0]],
    ['bytes', Buffer.from([0, 1, 255])],
    ['keys with dots and slashes', { 'a.b\\c': { '': undefined, 'd.e': new Date(1) } }],
  ])('come back as they were: %s', (_what, value) => {
    expect(roundTrip(value, value)).toEqual([value, value]);
  });

  it.each<[string, object]>([
    ['of a parser that leaves the prototype out', new Bare()],
    ['of another realm', runInNewContext('({})') as object],
  ])('come back as plain objects where they are such %s', (_where, object) => {
    const query = Object.assign(object, {
      page: '2',
      tags: runInNewContext('["a", "b"]') as unknown,
    });
    const plain = { page: '2', tags: ['a', 'b'] };
    expect(roundTrip(query)).toEqual([plain]);
    Object.assign(query, { at: new Date(0), none: undefined });
    expect(roundTrip(query, undefined)).toEqual([
      { ...plain, at: new Date(0), none: undefined },
      undefined,
    ]);
    expect(Object.getPrototypeOf(roundTrip(query)[0])).toBe(Object.prototype);
  });

  it('come back as errors, with their causes', () => {
    const [error] = roundTrip(new TypeError('bad', { cause: new Error('worse') })) as [Error];
    expect(error).toBeInstanceOf(Error);
    expect([error.name, error.message]).toEqual(['TypeError', 'bad']);
    expect((error.cause as Error).message).toBe('worse');
  });

  it('come back as errors of their kind, with what a job may look at, and no more', () => {
    const sent = Object.assign(new RangeError('far', { cause: new Date(5) }), {
      ...{ code: 'E_FAR', status: 416, socket: { write: () => true } },
    });
    const [error] = roundTrip(sent) as [RangeError & { code: string; socket?: unknown }];
    expect(error).toBeInstanceOf(RangeError);
    expect({ ...error }).toEqual({ code: 'E_FAR', status: 416 });
    expect([error.stack, error.cause]).toEqual([sent.stack, new Date(5)]);
  });

  it('come back as several errors in one', () => {
    const [error] = roundTrip(new AggregateError([new TypeError('a'), 'b'], 'both')) as [
      AggregateError,
    ];
    expect(error).toBeInstanceOf(AggregateError);
    expect([error.message, ...(error.errors as unknown[])]).toEqual([
      'both',
      new TypeError('a'),
      'b',
    ]);
    expect('cause' in error).toBe(false);
  });

  it('come back as one object where they were one, in a circle too', () => {
    const node: { self?: unknown } = {};
    node.self = node;
    const [back] = roundTrip(node) as [{ self: unknown }];
    expect(back.self).toBe(back);
  });

  it.each([
    ['arguments[0].user.save', { user: { save: () => 1 } }, 'a function'],
    ['arguments[0][1]', [1, Symbol('x')], 'a symbol'],
    ['arguments[0].user', { user: new User('ann') }, 'an instance of User'],
    ['arguments[0]', Promise.resolve(1), 'a promise'],
    ['arguments[0]', new Rows(), 'an instance of Rows'],
    ['arguments[0]', Readable.from([]), 'an instance of'],
    ['arguments[0][0]', new Map([['a', () => 1]]), 'a function'],
    ['arguments[0]', new Date(NaN), 'an invalid Date'],
    ['arguments[0].list[1]', { list: Object.assign([1], { length: 3 }) }, 'there is nothing'],
    ['arguments[0].a[Symbol(key)]', { a: { [Symbol('key')]: 1 } }, 'under a symbol'],
    ['arguments[0].errors[0]', new AggregateError([new User('eve')]), 'an instance of User'],
    [
      'arguments[0].__proto__',
      JSON.parse('{"__proto__":{"admin":true}}') as unknown,
      'of this name',
    ],
    ['arguments[0].cause', new Error('x', { cause: new User('bob') }), 'an instance of User'],
  ])('are refused by their path: %s', (path, value, what) => {
    const refusal = (): unknown => encode(value);
    expect(refusal).toThrow(ArgumentsNotSerializableError);
    expect(refusal).toThrow(what);
    expect(refusal).toThrow(`${path} cannot be sent`);
  });

  it('are refused where they cannot be read to the end', () => {
    let deep: unknown = 1;
    for (let depth = 0; depth < 100_000; depth++) deep = [deep];
    expect(() => encode(deep)).toThrow(ArgumentsNotSerializableError);
  });

  it('never reach a prototype when they are read back', () => {
    const text =
      '{"args":[{"__proto__":{"admin":true},"constructor":{"prototype":{"admin":true}}}]}';
    const [value] = decodeCall(text).args as [Record<string, unknown>];
    expect(value['admin']).toBeUndefined();
    expect(({} as Record<string, unknown>)['admin']).toBeUndefined();
    expect(Object.keys(value)).toEqual([]);
  });

  it('come with the rules that were given for the call alone', () => {
    const called = defineJob(own.method, own.name, undefined, {
      ...{ timeout: '1s', priority: 7, retries: 2 },
    });
    const { rules } = decodeCall(encodeCall(called, own, []));
    expect(rules).toEqual({ priority: 7, retries: called.retries });
    expect(decodeCall(encode()).rules).toEqual({});
  });
});
