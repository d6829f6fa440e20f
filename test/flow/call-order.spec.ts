import { afterEach, describe, expect, it } from '@jest/globals';
import { memoryTracker, type JobRecord, type JobTracker } from '../../src/index.js';
import { startJobs } from '../support/any-job.js';
import { turns } from '../support/slow-tracker.js';
import { closeApps } from '../support/test-app.js';

afterEach(closeApps);

/** As on several connections: the first calls take longest to store, and one of them fails. */
function racingTracker(): JobTracker {
  const tracker = memoryTracker();
  const create = tracker.create.bind(tracker);
  let calls = 0;
  tracker.create = async (record: JobRecord) => {
    const call = (calls += 1);
    await turns(20 - 4 * call);
    if (call === 2) throw new Error('no connection');
    await create(record);
  };
  return tracker;
}

describe('Calls that are stored side by side', () => {
  it('run in the order in which they were made, though a later one is stored first', async () => {
    const app = await startJobs({ tracker: racingTracker(), concurrency: 1 });
    const ran: number[] = [];
    const jobs = [1, 2, 3, 4].map((number) => app.run(() => ran.push(number)));
    await Promise.allSettled(jobs);
    expect(ran).toEqual([1, 3, 4]);
    await expect(jobs[1]).rejects.toThrow('no connection');
  });
});
