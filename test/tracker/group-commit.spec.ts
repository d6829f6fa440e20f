import { describe, expect, it } from '@jest/globals';
import { GroupCommit } from '../../src/tracker/typeorm/group-commit.js';
import { Latch } from '../support/latch.js';

describe('A group commit', () => {
  it('does in one go what is asked for in one turn', async () => {
    const groups: number[][] = [];
    const commit = new GroupCommit<number, number>(
      async (items) => {
        groups.push([...items]);
        return Promise.resolve(items.map((item) => 10 * item));
      },
      { lanes: 1, size: 100 },
      () => true,
    );
    expect(await Promise.all([1, 2, 3].map((item) => commit.add(item)))).toEqual([10, 20, 30]);
    expect(groups).toEqual([[1, 2, 3]]);
  });

  it('gathers what comes while the last group is on its way, up to a size', async () => {
    const groups: number[][] = [];
    const first = new Latch();
    const commit = new GroupCommit<number, void>(
      async (items) => {
        groups.push([...items]);
        if (groups.length === 1) await first.opened;
        return [];
      },
      { lanes: 1, size: 2 },
      () => true,
    );
    const one = commit.add(1);
    await new Promise(setImmediate);
    const rest = [2, 3, 4].map((item) => commit.add(item));
    await new Promise(setImmediate);
    expect(groups).toEqual([[1]]);
    first.open();
    await Promise.all([one, ...rest]);
    expect(groups).toEqual([[1], [2, 3], [4]]);
  });

  it('tries each alone where the group has failed, so that one fails alone', async () => {
    const commit = new GroupCommit<string, string>(
      async (items) => {
        if (items.includes('bad')) throw new Error('It is bad.');
        return Promise.resolve(items.map((item) => `${item}!`));
      },
      { lanes: 1, size: 100 },
      () => true,
    );
    const outcomes = await Promise.allSettled(['a', 'bad', 'b'].map((item) => commit.add(item)));
    expect(outcomes.map((outcome) => ('value' in outcome ? outcome.value : 'failed'))).toEqual([
      'a!',
      'failed',
      'b!',
    ]);
  });

  it('tells everybody of an error that says not whether it was done, and tries nothing twice', async () => {
    let tries = 0;
    const commit = new GroupCommit<string, string>(
      () => Promise.reject(new Error(`The answer was lost ${++tries}.`)),
      { lanes: 1, size: 100 },
      () => false,
    );
    const outcomes = await Promise.allSettled(['a', 'b'].map((item) => commit.add(item)));
    expect(outcomes.map((outcome) => 'reason' in outcome && String(outcome.reason))).toEqual([
      'Error: The answer was lost 1.',
      'Error: The answer was lost 1.',
    ]);
  });
});
