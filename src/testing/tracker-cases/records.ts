import assert from 'node:assert/strict';
import { newJobId } from '../../job/job-id.js';
import type { JobTracker } from '../../tracker/job-tracker.js';
import type { JobRecord } from '../../job/job.js';
import { applyChange, type JobChange } from '../../job/state-machine.js';
import {
  assertEqual,
  assertSame,
  chunk,
  created,
  FAILURE,
  newRecord,
  ODD_TEXTS,
  running,
  type TrackerCases,
} from './case.js';

/** What becomes of a record. */
export const RECORDS: TrackerCases = {
  'come back as they were stored': async (tracker) => {
    const record = newRecord({
      ...{ parentId: newJobId(), origin: { route: 'GET /a', owner: 'ann' }, state: 'scheduled' },
      ...{ runAt: 1_767_225_605_000, call: '{"args":[7,"a"]}' },
    });
    await tracker.create(record);
    assertSame(await tracker.find(record.id), record);
  },

  'come back as they were stored, though others that came with them had more to keep': async (
    tracker,
  ) => {
    const records = [
      newRecord(),
      newRecord({ parentId: newJobId(), state: 'scheduled', runAt: 1_767_225_605_000 }),
      newRecord({ origin: { route: 'GET /a' }, call: '{"args":[]}' }),
    ];
    await Promise.all(records.map(async (record) => tracker.create(record)));
    for (const record of records) assertSame(await tracker.find(record.id), record);
  },

  'are given whole at their start': async (tracker) => {
    const record = newRecord({
      ...{ parentId: newJobId(), origin: { route: 'GET /a', owner: 'ann' }, state: 'scheduled' },
      ...{ runAt: 1_767_225_605_000, call: '{"args":[7,"a"]}' },
    });
    await tracker.create(record);
    const start = (at: number): JobChange => ({ type: 'start', at });
    const first = await tracker.change(record.id, start(1_767_225_606_000));
    assertSame(first, applyChange(record, start(1_767_225_606_000)));
    const stalled = await tracker.change(record.id, { type: 'stall', at: 1_767_225_607_000 }, 1);
    const second = await tracker.change(record.id, start(1_767_225_608_000));
    assertSame(second, applyChange(stalled!, start(1_767_225_608_000)));
    assertSame(await tracker.find(record.id), second);
  },

  'are unknown before they are created and after they are forgotten': async (tracker) => {
    const record = await created(tracker);
    await tracker.append(record.id, { chunks: [chunk(1, 'x')], gap: undefined });
    await tracker.forget(record.id);
    for (const id of [record.id, newJobId()]) {
      assert.equal(await tracker.find(id), undefined);
      assert.equal(await tracker.output(id, 0), undefined);
      assert.equal(await tracker.change(id, { type: 'start', at: 1 }), undefined);
    }
  },

  'keep any result that JSON keeps': async (tracker) => {
    const results = [null, 0, '', false, [], { a: [1, null] }, -1.5, 'text', ODD_TEXTS, undefined];
    for (const result of results) {
      const { id } = await running(tracker);
      const done = await tracker.change(id, { type: 'complete', at: 9, result }, 1);
      assertEqual(done?.result, result);
      assertEqual((await tracker.find(id))?.result, result);
    }
  },

  'keep the last progress of the running attempt, and nothing later': async (tracker) => {
    const { id } = await running(tracker);
    await tracker.setProgress(id, 1, { value: 1, data: null });
    await tracker.setProgress(id, 1, { value: 50, data: { at: ODD_TEXTS } });
    await tracker.setProgress(id, 2, { value: 99, data: null });
    const progress = { value: 50, data: { at: ODD_TEXTS } };
    assertEqual((await tracker.find(id))?.progress, progress);
    await tracker.change(id, { type: 'complete', at: 9, result: 1 }, 1);
    await tracker.setProgress(id, 1, { value: 100, data: null });
    assertEqual((await tracker.find(id))?.progress, progress);
  },

  'forget the progress of an attempt that was before': async (tracker) => {
    const { id } = await running(tracker);
    await tracker.setProgress(id, 1, { value: 1, data: null });
    await tracker.change(id, { type: 'reschedule', at: 2, error: FAILURE, runAt: 3 }, 1);
    await tracker.change(id, { type: 'enqueue', at: 3 });
    await tracker.change(id, { type: 'start', at: 4 });
    await tracker.setProgress(id, 1, { value: 2, data: null });
    assert.equal((await tracker.find(id))?.progress, null);
  },

  'keep what the running attempt is at, until its state changes': async (tracker) => {
    if (!tracker.setActivity) return;
    const { id } = await running(tracker);
    const waitsFor = { what: 'job', name: 'Other.job', id: newJobId(), since: 5 } as const;
    await tracker.setActivity(id, 1, { waitsFor });
    assertEqual((await tracker.find(id))?.activity, { waitsFor });
    await tracker.setActivity(id, 1, { writingSince: 7 });
    await tracker.setActivity(id, 2, { waitsFor });
    assertEqual((await tracker.find(id))?.activity, { writingSince: 7 });
    await tracker.change(id, { type: 'reschedule', at: 8, error: FAILURE, runAt: 9 }, 1);
    assert.equal((await tracker.find(id))?.activity, undefined);
    await tracker.change(id, { type: 'start', at: 10 });
    await tracker.setActivity(id, 1, { writingSince: 7 });
    assert.equal((await tracker.find(id))?.activity, undefined);
  },

  'keep that what an attempt wrote was undone, until the next begins': async (tracker) => {
    const { id } = await running(tracker);
    const again = { type: 'reschedule', at: 2, error: FAILURE, rolledBack: true } as const;
    assert.equal((await tracker.change(id, { ...again, runAt: 3 }, 1))?.rolledBack, true);
    assert.equal((await tracker.find(id))?.rolledBack, true);
    await tracker.change(id, { type: 'start', at: 4 });
    assert.equal((await tracker.find(id))?.rolledBack, undefined);
    await tracker.change(id, { type: 'fail', at: 5, error: FAILURE, rolledBack: true }, 2);
    assert.equal((await tracker.find(id))?.rolledBack, true);
  },

  'keep where they were asked for beside where they were started, each place once': async (
    tracker,
  ) => {
    if (!tracker.share) return;
    const places = [{ route: 'GET /b', owner: 'bob' }, { route: 'GET /c' }];
    const first = { route: 'GET /a', owner: ODD_TEXTS.join('') };
    for (const origin of [first, undefined]) {
      const { id } = await created(tracker, { origin });
      await tracker.share(id, places[0]!);
      await tracker.change(id, { type: 'start', at: 2 });
      await tracker.share(id, places[1]!);
      await tracker.change(id, { type: 'complete', at: 3, result: 1 }, 1);
      for (const place of [...places, ...(origin ? [origin] : [])]) await tracker.share(id, place);
      const record = await tracker.find(id);
      assert.equal(record?.state, 'completed');
      assertEqual(record.origin, { ...(origin ?? { route: '' }), also: places });
    }
    await tracker.share(newJobId(), places[0]!);
  },

  'do not fail at half a character': async (tracker) => {
    const { id } = await running(tracker);
    await tracker.setProgress(id, 1, { value: 1, data: '\ud83d' });
    await tracker.append(id, { chunks: [chunk(1, 'half \ud83d')], gap: undefined }, 1);
    const done = await tracker.change(id, { type: 'complete', at: 9, result: '\udc00' }, 1);
    assert.equal((done?.result as string).length, 1);
    assert.equal((await tracker.output(id, 0))?.chunks[0]?.text.length, 6);
  },
};

/** What is found where several are asked for. */
export const LISTS: TrackerCases = {
  'have the newest first, and of those what is asked for': async (tracker) => {
    const records: JobRecord[] = [];
    for (let index = 0; index < 6; index++) {
      records.unshift(await created(tracker, { name: index % 2 ? 'Odd.job' : 'Even.job' }));
    }
    const [newest, , third, , , oldest] = records as [JobRecord, ...JobRecord[]];
    await tracker.change(third!.id, { type: 'start', at: 5 });
    const ids = async (query: Parameters<JobTracker['list']>[0]): Promise<string[]> =>
      (await tracker.list(query)).map(({ id }) => id);
    assertEqual(
      await ids({}),
      records.map(({ id }) => id),
    );
    assertEqual(await ids({ limit: 1 }), [newest.id]);
    assertEqual(await ids({ limit: 0 }), []);
    assertEqual(await ids({ state: 'running' }), [third!.id]);
    assert.equal((await ids({ name: 'Odd.job', state: 'queued' })).length, 2);
    assertEqual(await ids({ before: records[4]!.id }), [oldest!.id]);
  },

  'count the jobs in each state': async (tracker) => {
    await created(tracker);
    await running(tracker);
    await running(tracker);
    assertEqual(await tracker.counts(), {
      ...{ scheduled: 0, queued: 1, running: 2, completed: 0, failed: 0, cancelled: 0 },
    });
  },
};
