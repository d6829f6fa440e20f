import { beforeEach, describe, expect, it } from '@jest/globals';
import { localEngine } from '../../src/index.js';
import type { DeliveryOutcome, JobEngine } from '../../src/engine/job-engine.js';
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
        await place;
        begun.push(name);
        return end;
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
