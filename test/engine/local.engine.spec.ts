import { beforeEach, describe, expect, it } from '@jest/globals';
import { localEngine } from '../../src/index.js';
import type { DeliveryOutcome, JobEngine, JobTicket } from '../../src/engine/job-engine.js';
import { systemClock } from '../../src/job/clock.js';
import { ticket } from '../../src/testing/engine-cases/case.js';
import { until } from '../support/until.js';

describe('localEngine(), where a job is about to leave its place', () => {
  let engine: JobEngine;
  let delivered: string[];
  let begun: string[];
  let ends: Map<string, (outcome: DeliveryOutcome) => void>;

  beforeEach(async () => {
    delivered = [];
    begun = [];
    ends = new Map();
    engine = localEngine();
    await engine.open({
      ...{ clock: systemClock, concurrency: 1, queueLimit: Infinity },
      ready: () => undefined,
      recovered: () => undefined,
      async deliver({ name }, place) {
        delivered.push(name);
        const end = new Promise<DeliveryOutcome>((resolve) => ends.set(name, resolve));
        await place?.();
        begun.push(name);
        return end;
      },
      start(each, over, place) {
        void this.deliver(each, place).then((outcome) => over(each, outcome));
      },
    });
  });

  it('has the next one made ready, which begins when it has left', async () => {
    const first = ticket({ name: 'first' });
    for (const each of [first, ticket({ name: 'second' }), ticket({ name: 'third' })]) {
      await engine.enqueue(each);
    }
    await until(() => begun.length === 1);
    expect(delivered).toEqual(['first']);
    engine.vacate!(first);
    expect(delivered).toEqual(['first', 'second']);
    await new Promise(setImmediate);
    expect(begun).toEqual(['first']);
    ends.get('first')!({});
    await until(() => begun.length === 2);
    expect(delivered).toEqual(['first', 'second']);
  });

  it('has none made ready of a key that is full as long as the other is there', async () => {
    const limit = { key: 'one', jobs: 1 };
    const first = ticket({ name: 'first', limit });
    await engine.enqueue(first);
    await engine.enqueue(ticket({ name: 'second', limit }));
    await until(() => begun.length === 1);
    engine.vacate!(first);
    expect(delivered).toEqual(['first']);
    ends.get('first')!({});
    await until(() => begun.length === 2);
  });

  it('has the next one wait, where that is to find what the first has done', async () => {
    const first = ticket({ name: 'first' });
    await engine.enqueue(first);
    await engine.enqueue(ticket({ name: 'second' }));
    await until(() => begun.length === 1);
    engine.vacate!(first);
    engine.passOn!(first);
    await new Promise(setImmediate);
    expect(begun).toEqual(['first']);
    ends.get('first')!({});
    await until(() => begun.length === 2);
  });

  it('forgets one that ends before it has begun', async () => {
    const first = ticket({ name: 'first' });
    const second = ticket({ name: 'second' });
    await engine.enqueue(first);
    await engine.enqueue(second);
    await until(() => begun.length === 1);
    engine.vacate!(first);
    const takeBack = engine.lend(first, second.id);
    await until(() => begun.length === 2);
    takeBack();
    ends.get('second')!({});
    ends.get('first')!({});
    await engine.enqueue(ticket({ name: 'third' }));
    await until(() => begun.includes('third'));
  });
});

describe('localEngine(), where many jobs end one after the other', () => {
  const PLACES = 4;
  let engine: JobEngine;
  let now: number;
  let tickets: JobTicket[];
  let delivered: string[];
  let begun: string[];
  let ends: ((outcome: DeliveryOutcome) => void)[];

  beforeEach(async () => {
    now = 0;
    delivered = [];
    begun = [];
    ends = [];
    engine = localEngine();
    await engine.open({
      ...{ clock: { ...systemClock, now: () => now }, concurrency: PLACES, queueLimit: Infinity },
      ready: () => undefined,
      recovered: () => undefined,
      async deliver({ id }, place) {
        delivered.push(id);
        await place?.();
        begun.push(id);
        return new Promise<DeliveryOutcome>((resolve) => ends.push(resolve));
      },
      start(each, over, place) {
        void this.deliver(each, place).then((outcome) => over(each, outcome));
      },
    });
    tickets = Array.from({ length: 100 }, () => ticket());
    for (const each of tickets) await engine.enqueue(each);
    await until(() => begun.length === PLACES);
  });

  /** Ends so many, the first of them first; gives how many were made ready at once. */
  async function end(count: number, afterMs: number): Promise<number[]> {
    const lots: number[] = [];
    for (const each of tickets.slice(0, count)) {
      now += afterMs;
      const before = delivered.length;
      engine.vacate!(each);
      lots.push(delivered.length - before);
      ends.shift()!({});
      const next = begun.length + 1;
      await until(() => begun.length === next);
    }
    return lots;
  }

  it('has several made ready at once, before there are places for them, if they end quickly', async () => {
    const lots = await end(50, 1);
    expect(Math.max(...lots)).toBeGreaterThan(1);
    expect(delivered.length - begun.length).toBeLessThanOrEqual(3 * PLACES + 1);
    expect(begun).toEqual(tickets.slice(0, begun.length).map(({ id }) => id));
  });

  it('lets one that is ready begin where another passes on its place, and no more than that', async () => {
    await end(50, 1);
    const [first, ...ready] = delivered.slice(begun.length - 1);
    expect(ready.length).toBeGreaterThan(1);
    const leaving = tickets.find(({ id }) => id === first)!;
    const before = begun.length;
    engine.vacate!(leaving);
    engine.passOn!(leaving);
    await until(() => begun.length === before + 1);
    expect(begun.at(-1)).toBe(ready[0]);
    ends.pop()!({});
    await new Promise(setImmediate);
    await until(() => begun.length === before + 2);
  });

  it('has only those made ready that are about to get a place, if they take long', async () => {
    expect(new Set(await end(20, 100))).toEqual(new Set([1]));
    expect(delivered).toHaveLength(begun.length);
  });

  it('lets one that somebody waits for begin before those that are ready', async () => {
    await end(50, 1);
    expect(delivered.length).toBeGreaterThan(begun.length);
    const [parent, child] = [tickets[50]!, tickets[99]!];
    engine.lend(parent, child.id);
    await until(() => begun.length === 50 + PLACES + 1);
    expect(begun.at(-1)).toBe(child.id);
  });

  it('gives the place to one that somebody waits for where that is ready', async () => {
    await end(50, 1);
    const child = delivered.at(-1)!;
    expect(begun).not.toContain(child);
    engine.lend(tickets[50]!, child);
    await until(() => begun.length === 50 + PLACES + 1);
    expect(begun.at(-1)).toBe(child);
  });
});

describe('localEngine(), given one ticket in several lines', () => {
  it('delivers each once: one that somebody waits for, that is held back by its key, and then has its turn', async () => {
    const engine = localEngine();
    const ends = new Map<string, () => void>();
    const delivered: string[] = [];
    await engine.open({
      ...{ clock: systemClock, concurrency: 2, queueLimit: Infinity },
      ready: () => undefined,
      recovered: () => undefined,
      deliver: () => Promise.reject(new Error('not asked for')),
      start(each, over) {
        delivered.push(each.name);
        ends.set(each.name, () => over(each, {}));
      },
    });
    const limit = { key: 'one', jobs: 1 };
    const tickets = ['first', 'other', 'third', 'hurried'].map((name) =>
      ticket({ name, limit: name === 'first' || name === 'hurried' ? limit : undefined }),
    );
    for (const each of tickets) await engine.enqueue(each);
    await until(() => delivered.length === 2);
    const takeBack = engine.lend(tickets[1]!, tickets[3]!.id);
    await until(() => delivered.length === 3);
    expect(delivered).toEqual(['first', 'other', 'third']);
    ends.get('first')!();
    expect(delivered).toEqual(['first', 'other', 'third', 'hurried']);
    takeBack();
    for (const name of ['other', 'third', 'hurried']) ends.get(name)!();
    await new Promise(setImmediate);
    expect(delivered).toHaveLength(4);
  });

  it('does not deliver one that somebody waited for, and that was then discarded', async () => {
    const engine = localEngine();
    const delivered: string[] = [];
    await engine.open({
      ...{ clock: systemClock, concurrency: 1, queueLimit: Infinity },
      ready: () => undefined,
      recovered: () => undefined,
      deliver: () => Promise.reject(new Error('not asked for')),
      start: (each) => void delivered.push(each.name),
    });
    const [first, second, third] = ['first', 'second', 'third'].map((name) => ticket({ name }));
    for (const each of [first!, second!, third!]) await engine.enqueue(each);
    await until(() => delivered.length === 1);
    engine.lend(first!, third!.id);
    await engine.discard(third!.id);
    await until(() => delivered.length === 2);
    expect(delivered).toEqual(['first', 'second']);
  });
});
