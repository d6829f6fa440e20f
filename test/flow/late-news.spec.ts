import { afterEach, describe, expect, it } from '@jest/globals';
import { memoryTracker } from '../../src/index.js';
import type { JobTracker } from '../../src/tracker/job-tracker.js';
import { startJobs } from '../support/any-job.js';
import { Latch } from '../support/latch.js';
import { closeApps } from '../support/test-app.js';
import { until } from '../support/until.js';

afterEach(closeApps);

describe('What is heard of a job that other processes can see', () => {
  it('does not stop an attempt that began after it was looked up', async () => {
    const inner = memoryTracker();
    const answer = new Latch();
    const wakes = new Map<string, () => void>();
    let lookedUp = '';
    const tracker = new Proxy(inner, {
      get(_target, name: keyof JobTracker | 'shared') {
        if (name === 'shared') return true;
        if (name === 'watch') return watch;
        if (name === 'find') return find;
        const value: unknown = inner[name];
        return typeof value === 'function' ? (value.bind(inner) as unknown) : value;
      },
    });
    const watch = (id: string, wake: () => void): (() => void) => {
      wakes.set(id, wake);
      return inner.watch(id, wake);
    };
    const find: JobTracker['find'] = async (id) => {
      const record = await inner.find(id);
      if (wakes.has(id) && record?.state === 'queued') {
        lookedUp = id;
        await answer.opened;
      }
      return record;
    };
    const { run } = await startJobs({ tracker, concurrency: 1 });
    const [before, begun, go] = [new Latch(), new Latch(), new Latch()];
    const first = run(() => before.opened);
    const second = run(async () => {
      begun.open();
      await go.opened;
      return 'done';
    });
    await until(() => wakes.has(second.id));
    wakes.get(second.id)!();
    await until(() => lookedUp === second.id);
    before.open();
    await first;
    await begun.opened;
    answer.open();
    await new Promise(setImmediate);
    go.open();
    expect(await second).toBe('done');
  });
});
