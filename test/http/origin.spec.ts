import { expect, it } from '@jest/globals';
import type { JobOrigin } from '../../src/job/job.js';
import { accessTo, joinedBy } from '../../src/job/origin.js';

it('Of those that ask for one job, the last thousand are remembered', () => {
  const first = { route: 'GET /a', owner: 'ann' };
  const place = (number: number): JobOrigin => ({ route: `GET /${number}` });
  let origin: JobOrigin = first;
  for (let number = 0; number < 1_001; number++) origin = joinedBy(origin, place(number));
  expect(origin.also).toHaveLength(1_000);
  expect([first, place(0), place(1), place(1_000)].map((one) => accessTo(origin, one))).toEqual([
    'started',
    'none',
    'joined',
    'joined',
  ]);
});
