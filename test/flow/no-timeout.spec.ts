import { expect, it } from '@jest/globals';
import { JobTimeoutError } from '../../src/index.js';
import { fakeClock } from '../../src/testing/index.js';
import { startJobs } from '../support/any-job.js';
import { Latch } from '../support/latch.js';
import { until } from '../support/until.js';

it('A job with the timeout 0 has none, though others have that of the application', async () => {
  const clock = fakeClock();
  await using app = await startJobs({ clock, timeout: '1s' });
  const latch = new Latch();
  const limited = app.run(() => latch.opened);
  const free = app.run(() => latch.opened, { timeout: 0 });
  await until(async () => (await free.job()).state === 'running');
  await clock.advance(1_001);
  await expect(limited).rejects.toThrow(JobTimeoutError);
  expect((await free.job()).state).toBe('running');
  latch.open();
  await free;
});
