import { afterEach, describe, expect, it } from '@jest/globals';
import { memoryTracker, print } from '../../src/index.js';
import { followSteps } from '../../src/tracker/follow-job.js';
import { LoopLoad } from '../../src/tracker/loop-load.js';
import { startJobs } from '../support/any-job.js';
import { closeApps } from '../support/test-app.js';
import { until } from '../support/until.js';

/** A turn of the event loop that leaves others no time. */
async function busyTurn(): Promise<void> {
  const end = performance.now() + 25;
  while (performance.now() < end);
  await new Promise((resolve) => setImmediate(resolve));
}

describe('Readers, where the event loop', () => {
  afterEach(closeApps);

  it('has time, pause no longer than else', () => {
    expect(new LoopLoad().stretch()).toBe(1);
  });

  it('has none left, pause longer and longer, up to four times, and no longer when it has time again', async () => {
    const load = new LoopLoad();
    const seen = [1];
    while (seen.at(-1)! < 4 && seen.length < 1_000) {
      await busyTurn();
      seen.push(load.stretch());
    }
    expect(seen.at(-1)).toBe(4);
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
    await until(() => load.stretch() === 1);
  });

  it('has none left, look at a job that prints without end less often than their pace', async () => {
    const tracker = memoryTracker();
    const { run } = await startJobs({ tracker, output: { console: 'off' } });
    let isEnough = false;
    const job = run(async () => {
      while (!isEnough) {
        print('x');
        await busyTurn();
      }
    });
    const pace = 400;
    let longest = 0;
    const readers = Array.from({ length: 10 }, async () => {
      let last = performance.now();
      for await (const { record } of followSteps(tracker, job.id, { pace })) {
        if (record.state === 'running') longest = Math.max(longest, performance.now() - last);
        last = performance.now();
      }
    });
    await until(() => longest > 2 * pace).finally(() => (isEnough = true));
    await Promise.all([job, ...readers]);
  });
});
