import assert from 'node:assert/strict';
import type { JobRecord } from '../../job/job.js';
import type { JobTracker } from '../../tracker/job-tracker.js';
import type { FakeClock } from '../fake-clock.js';
import { inState, running, until } from './case.js';

/** An example about time. */
export type RetentionCase = (tracker: JobTracker, clock: FakeClock) => Promise<void>;

/** How long completed and failed jobs are kept here, and how many. */
export const RETENTION = { completed: 60_000, failed: 120_000, count: 3 };

/** When finished jobs are removed. */
export const RETENTIONS: Readonly<Record<string, RetentionCase>> = {
  'counts from the end of a job, by the way that it ended': async (tracker, clock) => {
    const at = clock.now();
    const old = await inState(tracker, 'completed', at);
    const failed = await inState(tracker, 'failed', at);
    const unfinished = await running(tracker);
    await clock.advance(59_000);
    assert.ok(await tracker.find(old.id));
    await clock.advance(2_000);
    await until(async () => (await tracker.find(old.id)) === undefined);
    assert.equal(await tracker.output(old.id, 0), undefined);
    assert.ok(await tracker.find(failed.id));
    await clock.advance(7_200_000);
    await until(async () => (await tracker.find(failed.id)) === undefined);
    assert.ok(await tracker.find(unfinished.id));
  },

  'drops the oldest where there are too many': async (tracker, clock) => {
    const ended: JobRecord[] = [];
    for (let index = 0; index < 4; index++) {
      ended.push(await inState(tracker, 'completed', clock.now() + index));
    }
    await clock.advance(2_000);
    await until(async () => (await tracker.find(ended[0]!.id)) === undefined);
    for (const { id } of ended.slice(1)) assert.ok(await tracker.find(id));
  },
};
