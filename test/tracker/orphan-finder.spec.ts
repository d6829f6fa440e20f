import { expect, it } from '@jest/globals';
import { OrphanFinder } from '../../src/tracker/orphan-finder.js';
import { until } from '../support/until.js';

it('That nobody can look for unfinished jobs is said once, until it was possible again', async () => {
  const away = [true, true, true, false, true, true];
  const said: unknown[] = [];
  let looks = 0;
  const finder = new OrphanFinder({
    orphans: {
      async *take() {
        if (away[looks++]) throw new Error(`away at look ${looks}`);
      },
      giveBack: () => Promise.resolve(),
    },
    recovery: { knows: () => true, revive: () => Promise.resolve() } as never,
    interval: 1,
    failed: (error) => said.push((error as Error).message),
  });
  await until(() => looks > away.length);
  await finder.close();
  expect(said).toEqual(['away at look 1', 'away at look 5']);
});
