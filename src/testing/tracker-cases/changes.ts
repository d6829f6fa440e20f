import assert from 'node:assert/strict';
import type { JobState } from '../../job/job.js';
import { applyChange, TRANSITIONS } from '../../job/state-machine.js';
import {
  assertSame,
  created,
  everyChange,
  FAILURE,
  inState,
  running,
  type TrackerCase,
  type TrackerCases,
} from './case.js';

/** Every change in every state does what `applyChange` does. */
export const STATE_MACHINE: TrackerCases = Object.fromEntries(
  (Object.keys(TRANSITIONS) as JobState[]).map((state) => [
    `follow the state machine from ${state}`,
    followsFrom(state),
  ]),
);

function followsFrom(state: JobState): TrackerCase {
  return async (tracker) => {
    for (const change of everyChange()) {
      const before = await inState(tracker, state);
      const expected = applyChange(before, change);
      assertSame(await tracker.change(before.id, change), expected);
      assertSame(await tracker.find(before.id), expected ?? before);
    }
  };
}

/** Whose change counts. */
export const CHANGES: TrackerCases = {
  'are refused to an attempt that is no longer the current one': async (tracker) => {
    const { id } = await running(tracker);
    const late = { type: 'complete', at: 9, result: 'late' } as const;
    assert.equal(await tracker.change(id, late, 2), undefined);
    await tracker.change(id, { type: 'release', at: 2 }, 1);
    await tracker.change(id, { type: 'start', at: 3 });
    assert.equal(await tracker.change(id, late, 1), undefined);
    assert.equal((await tracker.change(id, { ...late, result: 'right' }, 2))?.result, 'right');
  },

  'are refused to an attempt that was cut off, before the next one has begun': async (tracker) => {
    const { id } = await running(tracker);
    await tracker.change(id, { type: 'stall', at: 2 }, 1);
    for (const change of everyChange().filter(({ type }) => type !== 'start')) {
      assert.equal(await tracker.change(id, change, 1), undefined);
    }
    assert.equal((await tracker.find(id))?.state, 'queued');
  },

  'count how often in a row a job was cut off': async (tracker) => {
    const { id } = await running(tracker);
    const start = { type: 'start', at: 3 } as const;
    assert.equal((await tracker.change(id, { type: 'stall', at: 2 }, 1))?.stalled, 1);
    await tracker.change(id, start);
    assert.equal((await tracker.change(id, { type: 'stall', at: 4 }, 2))?.stalled, 2);
    await tracker.change(id, start);
    await tracker.change(id, { type: 'reschedule', at: 5, error: FAILURE }, 3);
    assert.equal((await tracker.find(id))?.stalled, undefined);
  },

  'let one start win where several come at once': async (tracker) => {
    const { id } = await created(tracker);
    const start = { type: 'start', at: 5 } as const;
    const starts = Array.from({ length: 8 }, async () => tracker.change(id, start));
    const won = (await Promise.all(starts)).filter((record) => record !== undefined);
    assert.equal(won.length, 1);
    assert.equal((await tracker.find(id))?.attempt, 1);
  },

  'let one end win where several come at once': async (tracker) => {
    const { id } = await running(tracker);
    const ends = [
      { type: 'complete', at: 9, result: 1 },
      { type: 'cancel', at: 9, error: FAILURE },
      { type: 'fail', at: 9, error: FAILURE },
    ] as const;
    const ended = await Promise.all(ends.map(async (end) => tracker.change(id, end, 1)));
    const [won, ...others] = ended.filter((record) => record !== undefined);
    assert.equal(others.length, 0);
    assertSame(await tracker.find(id), won);
  },
};
