import assert from 'node:assert/strict';
import { chunk, created, running, until, type TrackerCases } from './case.js';

/** Who is told of news. */
export const WATCHING: TrackerCases = {
  'is woken by each kind of news, and not after leaving': async (tracker) => {
    const { id } = await created(tracker);
    let woken = 0;
    const leave = tracker.watch(id, () => (woken += 1));
    const wakes = async (news: () => unknown): Promise<void> => {
      const before = woken;
      await news();
      await until(() => woken > before);
    };
    await wakes(() => tracker.change(id, { type: 'start', at: 1 }));
    await wakes(() => tracker.setProgress(id, 1, { value: 1, data: null }));
    if (tracker.setActivity) await wakes(() => tracker.setActivity!(id, 1, { writingSince: 2 }));
    await wakes(() => tracker.append(id, { chunks: [chunk(1, 'x')], gap: undefined }, 1));
    await wakes(() => tracker.change(id, { type: 'complete', at: 9, result: 1 }, 1));
    leave();
    const before = woken;
    await tracker.forget(id);
    assert.equal(woken, before);
  },
};

/** What two processes have of each other. */
export const SHARING: TrackerCases = {
  'see each other’s jobs, progress and output': async (tracker, openAnother) => {
    const another = await openAnother();
    const { id } = await running(tracker);
    let woken = 0;
    const leave = another.watch(id, () => (woken += 1));
    await tracker.setProgress(id, 1, { value: 5, data: null });
    await tracker.append(id, { chunks: [chunk(1, 'x')], gap: undefined }, 1);
    await until(async () => (await another.output(id, 0))?.last === 1);
    await until(async () => (await another.find(id))?.progress?.value === 5);
    await until(() => woken > 0);
    if (tracker.setActivity) {
      await tracker.setActivity(id, 1, { writingSince: 5 });
      await until(async () => (await another.find(id))?.activity?.writingSince === 5);
    }
    leave();
    await tracker.append(id, { chunks: [chunk(2, 'y')], gap: undefined }, 1);
    await tracker.change(id, { type: 'complete', at: 9, result: 1 }, 1);
    assert.equal((await another.find(id))?.state, 'completed');
    assert.equal((await another.output(id, 0))?.last, 2);
  },

  'note both where a job was asked for': async (tracker, openAnother) => {
    if (!tracker.share) return;
    const another = await openAnother();
    const { id } = await running(tracker);
    const routes = ['GET /a', 'GET /b', 'GET /c', 'GET /d'];
    const sharing = routes.map(async (route, at) =>
      (at % 2 === 0 ? tracker : another).share!(id, { route }),
    );
    await Promise.all(sharing);
    const { also = [] } = (await tracker.find(id))?.origin ?? {};
    assert.deepEqual(also.map(({ route }) => route).toSorted(), routes);
    assert.equal(
      (await tracker.change(id, { type: 'complete', at: 9, result: 1 }, 1))?.state,
      'completed',
    );
  },

  'let one of them start a job': async (tracker, openAnother) => {
    const another = await openAnother();
    const { id } = await created(tracker);
    const start = { type: 'start', at: 5 } as const;
    const both = [tracker, another].map(async (one) => one.change(id, start));
    const won = (await Promise.all(both)).filter((record) => record !== undefined);
    assert.equal(won.length, 1);
  },
};
