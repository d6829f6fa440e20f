import { describe, expect, it, jest } from '@jest/globals';
import { jobOf, typeOrmTracker, type JobTracker } from '../../src/index.js';
import { Durable, startDurableApp } from '../support/durable-app.js';
import { REACHABLE } from '../support/new-database.js';
import { preparedDatabase } from '../support/prepared-database.js';
import { until } from '../support/until.js';

describe.each(REACHABLE)('Calls that wait, watched on %s', (kind) => {
  const prepared = preparedDatabase(kind);

  /** Counts for how many calls a look has told how they stand. */
  function noteSights(tracker: JobTracker): { readonly told: Set<string> } {
    const told = new Set<string>();
    const watch = tracker.watch.bind(tracker);
    tracker.watch = (id, wake) =>
      watch(id, (standing) => {
        if (standing) told.add(id);
        wake(standing);
      });
    return { told };
  }

  async function startWithLine() {
    const tracker = typeOrmTracker();
    const { told } = noteSights(tracker);
    const find = jest.spyOn(tracker, 'find');
    const app = await startDurableApp(prepared.database, {}, { tracker, concurrency: 1 });
    const futures = Array.from({ length: 5 }, () => jobOf(app.get(Durable).enter()));
    await until(() => app.get(Durable).written === 1);
    return { app, told, find, futures };
  }

  it('are not looked up one by one while nobody has changed them', async () => {
    const { app, told, find, futures } = await startWithLine();
    // One more than those that wait, in the same look: the one that runs.
    await until(() => told.size === futures.length);
    // The one that runs has news of its own, its start.
    const waiting = futures.slice(1).map(({ id }) => id);
    expect(find.mock.calls.filter(([id]) => waiting.includes(id))).toEqual([]);
    app.get(Durable).latch.open();
    expect(await Promise.all(futures)).toEqual([1, 1, 1, 1, 1]);
  });
});
