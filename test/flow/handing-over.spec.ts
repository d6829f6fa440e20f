import { afterEach, expect, it } from '@jest/globals';
import { jobOf, localEngine, memoryTracker, type JobTracker } from '../../src/index.js';
import { startJobs } from '../support/any-job.js';
import { Latch } from '../support/latch.js';
import { closeApps } from '../support/test-app.js';
import { until } from '../support/until.js';

afterEach(closeApps);

/** As one does that keeps its records elsewhere. */
function slowTracker(): JobTracker {
  const tracker = memoryTracker();
  const create = tracker.create.bind(tracker);
  tracker.create = async (record) => create(record);
  return tracker;
}

it('A call is handed to the engine after the one before it, and need not wait for the answer to that', async () => {
  const engine = localEngine();
  const enqueue = engine.enqueue.bind(engine);
  const [seen, answer]: [string[], Latch] = [[], new Latch()];
  engine.enqueue = async (ticket) => {
    seen.push(ticket.id);
    await enqueue(ticket);
    if (seen.length === 1) await answer.opened;
  };
  const app = await startJobs({ engine, tracker: slowTracker() });
  const jobs = [app.run(() => 'first'), app.run(() => 'second'), app.run(() => 'third')];
  await until(() => seen.length === 3);
  expect(seen).toEqual(jobs.map((job) => jobOf(job).id));
  answer.open();
  expect(await Promise.all(jobs)).toEqual(['first', 'second', 'third']);
});
