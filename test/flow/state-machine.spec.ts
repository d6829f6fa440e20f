import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { applyChange, isFinal, type JobChange, type JobRecord } from '../../src/index.js';
import type { JobState } from '../../src/job/job.js';
import { TRANSITIONS } from '../../src/job/state-machine.js';

const page = readFileSync(new URL('../../docs/state-machine.md', import.meta.url), 'utf8');
const drawing = /```mermaid\nstateDiagram-v2\n([\s\S]*?)```/.exec(page)![1]!;
const arrows = [...drawing.matchAll(/^ +(\S+) --> (\S+?)(?:: (\w+))?$/gm)].map(
  ([, from, to, change]) => ({ from: from!, to: to!, change }),
);
const states = Object.keys(TRANSITIONS) as JobState[];

const inCode = states.flatMap((from) =>
  Object.entries(TRANSITIONS[from]).map(([change, to]) => `${from} --> ${to}: ${change}`),
);
const inDrawing = arrows
  .filter(({ from, to }) => from !== '[*]' && to !== '[*]')
  .map(({ from, to, change }) => `${from} --> ${to}: ${change}`);

const error = { name: 'Error', message: 'boom' };
const CHANGES: JobChange[] = [
  { type: 'enqueue', at: 5 },
  { type: 'start', at: 5 },
  { type: 'complete', at: 5, result: 'result' },
  { type: 'fail', at: 5, error },
  { type: 'cancel', at: 5, error },
  { type: 'reschedule', at: 5, error },
  { type: 'release', at: 5 },
  { type: 'stall', at: 5 },
];

function recordIn(state: JobState): JobRecord {
  return Object.freeze({
    ...{ id: 'id', name: 'name', createdAt: 1, parentId: undefined, origin: undefined },
    ...{ state, attempt: 2, startedAt: 2, finishedAt: undefined },
    ...{ progress: { value: 50, data: null }, result: undefined, error: undefined },
  });
}

describe('The drawing of the states', () => {
  it('is read whole', () => {
    const lines = drawing.trimEnd().split('\n');
    expect(arrows).toHaveLength(lines.length);
  });

  it('has every change that the code has, and no other', () => {
    expect(inDrawing.toSorted()).toEqual(inCode.toSorted());
  });

  it('ends where the code says that a state is final', () => {
    const ends = arrows.filter(({ to }) => to === '[*]').map(({ from }) => from);
    expect(ends.toSorted()).toEqual(states.filter(isFinal).toSorted());
    // Only on an explicit request does a state lead on that is final.
    const leadsOn = (state: JobState): boolean =>
      Object.keys(TRANSITIONS[state]).some((change) => change !== 'retry');
    const leads = states.filter(leadsOn);
    expect(leads).toEqual(states.filter((state) => !isFinal(state)));
  });

  it('begins where jobs begin', () => {
    const begins = arrows.filter(({ from }) => from === '[*]').map(({ to }) => to);
    expect(begins.toSorted()).toEqual(['queued', 'scheduled']);
  });

  it('says what each state means', () => {
    for (const state of states) expect(page).toContain(`\n**${state}**: `);
  });
});

describe.each(states)('A job that is %s', (state) => {
  it.each(CHANGES)('takes the change "$type" where it is drawn, and no other', (change) => {
    const before = recordIn(state);
    const after = applyChange(before, change);
    expect(after?.state).toBe(TRANSITIONS[state][change.type]);
    expect(before).toEqual(recordIn(state));
  });
});

describe('A change', () => {
  const changed = (state: JobState, type: JobChange['type']): JobRecord =>
    applyChange(
      recordIn(state),
      CHANGES.find((change) => change.type === type)!,
    )!;

  it('to running counts the attempt, and begins without progress and error', () => {
    expect(changed('queued', 'start')).toMatchObject({
      ...{ attempt: 3, startedAt: 5, progress: null, error: undefined, finishedAt: undefined },
    });
  });

  it('to the end keeps when it was, and how it came', () => {
    expect(changed('running', 'complete')).toMatchObject({ finishedAt: 5, result: 'result' });
    expect(changed('running', 'fail')).toMatchObject({ finishedAt: 5, error });
    expect(changed('queued', 'cancel')).toMatchObject({ finishedAt: 5, error });
  });

  it('to the next attempt keeps why the last one failed, and is no end', () => {
    expect(changed('running', 'reschedule')).toMatchObject({ finishedAt: undefined, error });
  });
});
