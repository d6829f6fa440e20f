import { expect, it } from '@jest/globals';
import { memoryTracker } from '../../src/index.js';
import { newRecord } from '../../src/testing/tracker-cases/case.js';
import { systemClock } from '../../src/job/clock.js';
import { followJob } from '../../src/tracker/follow-job.js';
import type { JobTracker } from '../../src/tracker/job-tracker.js';

const AWAY = new Error('The store is away.');

it('A reader goes on where the store could not be reached for a while', async () => {
  const inner = memoryTracker();
  await inner.open({
    clock: systemClock,
    retention: { completed: 60_000, failed: 60_000, count: 10 },
  });
  let refusals = 0;
  const find: JobTracker['find'] = (id) => {
    if (refusals-- > 0) throw AWAY;
    return inner.find(id);
  };
  const tracker = new Proxy(inner, {
    get(_target, name: keyof JobTracker) {
      if (name === 'find') return find;
      if (name === 'isUnavailable') return (error: unknown) => error === AWAY;
      const value: unknown = inner[name];
      return typeof value === 'function' ? (value.bind(inner) as unknown) : value;
    },
  });
  const record = newRecord();
  await tracker.create(record);
  const states: string[] = [];
  const reading = (async () => {
    for await (const event of followJob(tracker, record.id)) {
      if (event.type === 'state') states.push(event.state);
    }
  })();
  await new Promise(setImmediate);
  refusals = 2;
  await tracker.change(record.id, { type: 'start', at: 1 });
  await tracker.change(record.id, { type: 'complete', at: 2, result: 1 }, 1);
  await reading;
  expect(states).toEqual(['completed']);
  expect(refusals).toBeLessThan(0);
  refusals = 1;
  await expect(followJob(tracker, record.id).next()).rejects.toThrow(AWAY);
  await inner.close();
});
