import assert from 'node:assert/strict';
import { setTimeout as wait } from 'node:timers/promises';
import { newJobId } from '../job/job-id.js';
import { systemClock } from '../job/clock.js';
import type { JobRecord, JobState } from '../job/job.js';
import { applyChange, TRANSITIONS, type JobChange } from '../job/state-machine.js';
import type { OutputChunk } from '../output/output-chunk.js';
import type { JobTracker, Retention, TrackerSettings } from '../tracker/job-tracker.js';
import { fakeClock } from './fake-clock.js';

/** The two functions of the test runner; those of Jest, Mocha, Vitest and `node:test` will do. */
export interface TestRunner {
  describe(name: string, suite: () => void): unknown;
  it(name: string, test: () => Promise<void>): unknown;
}

/** How the suite comes to a tracker of the kind that is tested. */
export interface TrackerSetup {
  /** Opens a tracker over a storage with nothing in it, and connects it where it needs that. The suite closes it. */
  open(settings: TrackerSettings): Promise<JobTracker>;
  /** Opens one more over the same storage, as another process would; left out where no other process can see it. */
  openAnother?(settings: TrackerSettings): Promise<JobTracker>;
}

type Use = (tracker: JobTracker, another: () => Promise<JobTracker>) => Promise<void>;

const RETENTION: Retention = { completed: 60_000, failed: 120_000, count: 10_000 };
const FAILURE = { name: 'Error', message: 'boom', stack: 'Error: boom\n    at work' };
/** Text that has come to grief on its way into some database. */
const ODD_TEXTS = [
  '\0',
  'àèìòù 汉字 🎉',
  '\ud83d alone',
  '"\'`\\',
  '? $1 :name %s',
  '\u001b[31mred',
  ' ',
];

/**
 * What every tracker must do, whoever wrote it: call it in a test file, give it the functions of the test runner.
 * @example trackerConformance({ describe, it }, { open: async (settings) => { … } });
 */
export function trackerConformance(runner: TestRunner, setup: TrackerSetup): void {
  new TrackerConformance(runner, setup).describe();
}

class TrackerConformance {
  constructor(
    private readonly runner: TestRunner,
    private readonly setup: TrackerSetup,
  ) {}

  describe(): void {
    const { describe } = this.runner;
    describe('The records of a tracker', () => this.#records());
    describe('The changes of a tracker', () => this.#changes());
    describe('The output that a tracker keeps', () => this.#output());
    describe('The lists of a tracker', () => this.#lists());
    describe('Whoever watches a job', () => this.#watching());
    describe('The retention of a tracker', () => this.#retention());
    if (this.setup.openAnother) describe('Two trackers over one storage', () => this.#sharing());
  }

  #records(): void {
    this.#it('come back as they were stored', async (tracker) => {
      const record = newRecord({
        ...{ parentId: newJobId(), origin: { route: 'GET /a', owner: 'ann' }, state: 'scheduled' },
        ...{ runAt: 1_767_225_605_000, call: '{"args":[7,"é"]}' },
      });
      await tracker.create(record);
      assertSame(await tracker.find(record.id), record);
    });

    this.#it(
      'are unknown before they are created and after they are forgotten',
      async (tracker) => {
        const record = await created(tracker);
        await tracker.append(record.id, { chunks: [chunk(1, 'x')], gap: undefined });
        await tracker.forget(record.id);
        for (const id of [record.id, newJobId()]) {
          assert.equal(await tracker.find(id), undefined);
          assert.equal(await tracker.output(id, 0), undefined);
          assert.equal(await tracker.change(id, { type: 'start', at: 1 }), undefined);
        }
      },
    );

    this.#it('keep any result that JSON keeps', async (tracker) => {
      const results = [
        null,
        0,
        '',
        false,
        [],
        { a: [1, null] },
        -1.5,
        'text',
        ODD_TEXTS,
        undefined,
      ];
      for (const result of results) {
        const { id } = await running(tracker);
        const done = await tracker.change(id, { type: 'complete', at: 9, result }, 1);
        assert.deepEqual(done?.result, result);
        assert.deepEqual((await tracker.find(id))?.result, result);
      }
    });

    this.#it(
      'keep the last progress of the running attempt, and nothing later',
      async (tracker) => {
        const { id } = await running(tracker);
        await tracker.setProgress(id, 1, { value: 1, data: null });
        await tracker.setProgress(id, 1, { value: 50, data: { at: ODD_TEXTS } });
        await tracker.setProgress(id, 2, { value: 99, data: null });
        const progress = { value: 50, data: { at: ODD_TEXTS } };
        assert.deepEqual((await tracker.find(id))?.progress, progress);
        await tracker.change(id, { type: 'complete', at: 9, result: 1 }, 1);
        await tracker.setProgress(id, 1, { value: 100, data: null });
        assert.deepEqual((await tracker.find(id))?.progress, progress);
      },
    );

    this.#it('forget the progress of an attempt that was before', async (tracker) => {
      const { id } = await running(tracker);
      await tracker.setProgress(id, 1, { value: 1, data: null });
      await tracker.change(id, { type: 'reschedule', at: 2, error: FAILURE, runAt: 3 }, 1);
      await tracker.change(id, { type: 'enqueue', at: 3 });
      await tracker.change(id, { type: 'start', at: 4 });
      await tracker.setProgress(id, 1, { value: 2, data: null });
      assert.equal((await tracker.find(id))?.progress, null);
    });
  }

  #changes(): void {
    for (const state of Object.keys(TRANSITIONS) as JobState[]) {
      this.#it(`follow the state machine from ${state}`, async (tracker) => {
        for (const change of everyChange()) {
          const before = await inState(tracker, state);
          const expected = applyChange(before, change);
          assertSame(await tracker.change(before.id, change), expected);
          assertSame(await tracker.find(before.id), expected ?? before);
        }
      });
    }

    this.#it('are refused to an attempt that is no longer the current one', async (tracker) => {
      const { id } = await running(tracker);
      const late = { type: 'complete', at: 9, result: 'late' } as const;
      assert.equal(await tracker.change(id, late, 2), undefined);
      await tracker.change(id, { type: 'release', at: 2 }, 1);
      await tracker.change(id, { type: 'start', at: 3 });
      assert.equal(await tracker.change(id, late, 1), undefined);
      assert.equal((await tracker.change(id, { ...late, result: 'right' }, 2))?.result, 'right');
    });

    this.#it('let one start win where several come at once', async (tracker) => {
      const { id } = await created(tracker);
      const start = { type: 'start', at: 5 } as const;
      const starts = Array.from({ length: 8 }, async () => tracker.change(id, start));
      const won = (await Promise.all(starts)).filter((record) => record !== undefined);
      assert.equal(won.length, 1);
      assert.equal((await tracker.find(id))?.attempt, 1);
    });

    this.#it('let one end win where several come at once', async (tracker) => {
      const { id } = await running(tracker);
      const ends = [
        { type: 'complete', at: 9, result: 1 },
        { type: 'cancel', at: 9, error: FAILURE },
        { type: 'fail', at: 9, error: FAILURE },
      ] as const;
      const ended = await Promise.all(ends.map(async (end) => tracker.change(id, end, 1)));
      const [won, ...others] = ended.filter((record) => record !== undefined);
      assert.equal(others.length, 0);
      assertSame(await tracker.find(id), won);
    });
  }

  #output(): void {
    this.#it('comes in order, whole or after a number', async (tracker) => {
      const { id } = await running(tracker);
      const chunks = ODD_TEXTS.map((text, index) => chunk(index + 1, text, index % 2 === 1));
      for (const one of chunks) await tracker.append(id, { chunks: [one], gap: undefined }, 1);
      const { length } = chunks;
      assert.deepEqual(await tracker.output(id, 0), { chunks, gap: undefined, last: length });
      const rest = { chunks: chunks.slice(3), gap: undefined, last: length };
      assert.deepEqual(await tracker.output(id, 3), rest);
      const nothing = { chunks: [], gap: undefined, last: length + 5 };
      assert.deepEqual(await tracker.output(id, length + 5), nothing);
    });

    this.#it('is nothing for a job that printed nothing', async (tracker) => {
      const { id } = await created(tracker);
      assert.deepEqual(await tracker.output(id, 0), { chunks: [], gap: undefined, last: 0 });
    });

    this.#it('is complete once the record is final', async (tracker) => {
      const { id } = await running(tracker);
      for (let seq = 1; seq <= 2_000; seq++) {
        void tracker.append(id, { chunks: [chunk(seq, `line ${seq}\n`)], gap: undefined }, 1);
      }
      await tracker.change(id, { type: 'complete', at: 9, result: 1 }, 1);
      const page = await tracker.output(id, 0);
      assert.equal(page?.chunks.length, 2_000);
      assert.equal(page?.last, 2_000);
    });

    this.#it('goes on through the attempts of a job', async (tracker) => {
      const { id } = await created(tracker);
      await tracker.append(id, { chunks: [chunk(1, 'head\n')], gap: undefined });
      await tracker.change(id, { type: 'start', at: 1 });
      await tracker.append(id, { chunks: [chunk(2, 'first\n')], gap: undefined }, 1);
      await tracker.change(id, { type: 'release', at: 2 }, 1);
      await tracker.change(id, { type: 'start', at: 3 });
      await tracker.append(id, { chunks: [chunk(3, 'late\n')], gap: undefined }, 1);
      await tracker.append(id, { chunks: [chunk(3, 'second\n')], gap: undefined }, 2);
      const texts = (await tracker.output(id, 0))?.chunks.map(({ text }) => text);
      assert.deepEqual(texts, ['head\n', 'first\n', 'second\n']);
    });

    this.#it('loses what the size limit removed, and says how much that was', async (tracker) => {
      const { id } = await running(tracker);
      for (let seq = 1; seq <= 30; seq++) {
        const gap = seq > 10 ? { first: 4, last: seq - 5, bytes: 10 * seq } : undefined;
        void tracker.append(id, { chunks: [chunk(seq, `${seq}`)], gap }, 1);
        if (seq % 7 === 0) await wait(1);
      }
      const gap = { first: 4, last: 25, bytes: 300 };
      const seqs = async (after: number): Promise<unknown> => {
        const page = await tracker.output(id, after);
        return { seqs: page?.chunks.map(({ seq }) => seq), gap: page?.gap, last: page?.last };
      };
      const whole = { seqs: [1, 2, 3, 26, 27, 28, 29, 30], gap, last: 30 };
      assert.deepEqual(await seqs(0), whole);
      await tracker.change(id, { type: 'complete', at: 9, result: 1 }, 1);
      assert.deepEqual(await seqs(0), whole);
      assert.deepEqual(await seqs(27), { seqs: [28, 29, 30], gap: undefined, last: 30 });
    });
  }

  #lists(): void {
    this.#it('have the newest first, and of those what is asked for', async (tracker) => {
      const records: JobRecord[] = [];
      for (let index = 0; index < 6; index++) {
        records.unshift(await created(tracker, { name: index % 2 ? 'Odd.job' : 'Even.job' }));
      }
      const [newest, , third, , , oldest] = records as [JobRecord, ...JobRecord[]];
      await tracker.change(third!.id, { type: 'start', at: 5 });
      const ids = async (query: Parameters<JobTracker['list']>[0]): Promise<string[]> =>
        (await tracker.list(query)).map(({ id }) => id);
      assert.deepEqual(
        await ids({}),
        records.map(({ id }) => id),
      );
      assert.deepEqual(await ids({ limit: 1 }), [newest.id]);
      assert.deepEqual(await ids({ limit: 0 }), []);
      assert.deepEqual(await ids({ state: 'running' }), [third!.id]);
      assert.equal((await ids({ name: 'Odd.job', state: 'queued' })).length, 2);
      assert.deepEqual(await ids({ before: records[4]!.id }), [oldest!.id]);
    });

    this.#it('count the jobs in each state', async (tracker) => {
      await created(tracker);
      await running(tracker);
      await running(tracker);
      assert.deepEqual(await tracker.counts(), {
        ...{ scheduled: 0, queued: 1, running: 2, completed: 0, failed: 0, cancelled: 0 },
      });
    });
  }

  #watching(): void {
    this.#it('is woken by each kind of news, and not after leaving', async (tracker) => {
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
      await wakes(() => tracker.append(id, { chunks: [chunk(1, 'x')], gap: undefined }, 1));
      await wakes(() => tracker.change(id, { type: 'complete', at: 9, result: 1 }, 1));
      leave();
      const before = woken;
      await tracker.forget(id);
      assert.equal(woken, before);
    });
  }

  #retention(): void {
    const { it } = this.runner;
    it('counts from the end of a job, by the way that it ended', async () => {
      const clock = fakeClock();
      await this.#use({ clock, retention: RETENTION }, async (tracker) => {
        const at = clock.now();
        const old = await inState(tracker, 'completed', at);
        const failed = await inState(tracker, 'failed', at);
        const unfinished = await running(tracker);
        await clock.advance(59_000);
        assert.ok(await tracker.find(old.id));
        await clock.advance(2_000);
        await until(async () => (await tracker.find(old.id)) === undefined);
        assert.equal(await tracker.output(old.id, 0), undefined);
        assert.ok(await tracker.find(failed.id));
        await clock.advance(7_200_000);
        await until(async () => (await tracker.find(failed.id)) === undefined);
        assert.ok(await tracker.find(unfinished.id));
      });
    });

    it('drops the oldest where there are too many', async () => {
      const clock = fakeClock();
      await this.#use({ clock, retention: { ...RETENTION, count: 3 } }, async (tracker) => {
        const ended: JobRecord[] = [];
        for (let index = 0; index < 4; index++) {
          ended.push(await inState(tracker, 'completed', clock.now() + index));
        }
        await clock.advance(2_000);
        await until(async () => (await tracker.find(ended[0]!.id)) === undefined);
        for (const { id } of ended.slice(1)) assert.ok(await tracker.find(id));
      });
    });
  }

  #sharing(): void {
    this.#it('see each other’s jobs, progress and output', async (tracker, openAnother) => {
      const another = await openAnother();
      const { id } = await running(tracker);
      let woken = 0;
      const leave = another.watch(id, () => (woken += 1));
      await tracker.setProgress(id, 1, { value: 5, data: null });
      await tracker.append(id, { chunks: [chunk(1, 'x')], gap: undefined }, 1);
      await until(async () => (await another.output(id, 0))?.last === 1);
      await until(async () => (await another.find(id))?.progress?.value === 5);
      await until(() => woken > 0);
      leave();
      await tracker.append(id, { chunks: [chunk(2, 'y')], gap: undefined }, 1);
      await tracker.change(id, { type: 'complete', at: 9, result: 1 }, 1);
      assert.equal((await another.find(id))?.state, 'completed');
      assert.equal((await another.output(id, 0))?.last, 2);
    });

    this.#it('let one of them start a job', async (tracker, openAnother) => {
      const another = await openAnother();
      const { id } = await created(tracker);
      const start = { type: 'start', at: 5 } as const;
      const both = [tracker, another].map(async (one) => one.change(id, start));
      const won = (await Promise.all(both)).filter((record) => record !== undefined);
      assert.equal(won.length, 1);
    });
  }

  #it(name: string, use: Use): void {
    this.runner.it(name, () => this.#use({ clock: systemClock, retention: RETENTION }, use));
  }

  async #use(settings: TrackerSettings, use: Use): Promise<void> {
    const opened = [await this.setup.open(settings)];
    const another = async (): Promise<JobTracker> => {
      const tracker = await this.setup.openAnother!(settings);
      opened.push(tracker);
      return tracker;
    };
    try {
      await use(opened[0]!, another);
    } finally {
      for (const tracker of opened) await tracker.close();
    }
  }
}

function newRecord(fields: Partial<JobRecord> = {}): JobRecord {
  return {
    ...{ id: newJobId(), name: 'Some.job', createdAt: 1_767_225_600_000, parentId: undefined },
    ...{
      origin: undefined,
      state: 'queued',
      attempt: 0,
      startedAt: undefined,
      finishedAt: undefined,
    },
    ...{ progress: null, result: undefined, error: undefined },
    ...fields,
  };
}

async function created(tracker: JobTracker, fields?: Partial<JobRecord>): Promise<JobRecord> {
  const record = newRecord(fields);
  await tracker.create(record);
  return record;
}

async function running(tracker: JobTracker): Promise<JobRecord> {
  const { id } = await created(tracker);
  return (await tracker.change(id, { type: 'start', at: 1_767_225_601_000 }))!;
}

async function inState(tracker: JobTracker, state: JobState, at = 9): Promise<JobRecord> {
  if (state === 'scheduled' || state === 'queued') return created(tracker, { state });
  const record = await running(tracker);
  const ends: Partial<Record<JobState, JobChange>> = {
    completed: { type: 'complete', at, result: [1] },
    failed: { type: 'fail', at, error: FAILURE },
    cancelled: { type: 'cancel', at, error: FAILURE },
  };
  const end = ends[state];
  return end ? (await tracker.change(record.id, end, 1))! : record;
}

function everyChange(): JobChange[] {
  return [
    { type: 'enqueue', at: 11 },
    { type: 'start', at: 12 },
    { type: 'complete', at: 13, result: { a: 1 } },
    { type: 'fail', at: 14, error: FAILURE },
    { type: 'cancel', at: 15, error: FAILURE },
    { type: 'reschedule', at: 16, error: FAILURE, runAt: 17 },
    { type: 'release', at: 18 },
  ];
}

function chunk(seq: number, text: string, isError = false): OutputChunk {
  return { seq, text, stream: isError ? 'stderr' : 'stdout' };
}

/** A property that is `undefined` and one that is not there are the same. */
function assertSame(actual: JobRecord | undefined, expected: JobRecord | undefined): void {
  assert.deepEqual(withoutUndefined(actual), withoutUndefined(expected));
}

function withoutUndefined(record: JobRecord | undefined): unknown {
  return (
    record && Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined))
  );
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 5_000;
  while (!(await condition())) {
    assert.ok(Date.now() < deadline, `It never came true: ${condition.toString()}`);
    await wait(5);
  }
}
