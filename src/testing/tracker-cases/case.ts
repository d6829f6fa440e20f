import assert from 'node:assert/strict';
import { setTimeout as wait } from 'node:timers/promises';
import { newJobId } from '../../job/job-id.js';
import type { JobRecord, JobState } from '../../job/job.js';
import type { JobChange } from '../../job/state-machine.js';
import type { OutputChunk } from '../../output/output-chunk.js';
import type { JobTracker } from '../../tracker/job-tracker.js';

/** One example: what it does with a tracker whose storage is empty, and with another over the same storage. */
export type TrackerCase = (
  tracker: JobTracker,
  openAnother: () => Promise<JobTracker>,
) => Promise<void>;

/** Examples by what they show. */
export type TrackerCases = Readonly<Record<string, TrackerCase>>;

export const FAILURE = { name: 'Error', message: 'boom', stack: 'Error: boom\n    at work' };
/** Text that has come to grief on its way into some database. */
export const ODD_TEXTS = ['\0', 'àèìòù 汉字 🎉', '"\'`\\', '? $1 :name %s', '\u001b[31mred', ' '];

export function newRecord(fields: Partial<JobRecord> = {}): JobRecord {
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

export async function created(
  tracker: JobTracker,
  fields?: Partial<JobRecord>,
): Promise<JobRecord> {
  const record = newRecord(fields);
  await tracker.create(record);
  return record;
}

export async function running(tracker: JobTracker): Promise<JobRecord> {
  const { id } = await created(tracker);
  return (await tracker.change(id, { type: 'start', at: 1_767_225_601_000 }))!;
}

export async function inState(tracker: JobTracker, state: JobState, at = 9): Promise<JobRecord> {
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

export function everyChange(): JobChange[] {
  return [
    { type: 'enqueue', at: 11 },
    { type: 'start', at: 12 },
    { type: 'complete', at: 13, result: { a: 1 } },
    { type: 'fail', at: 14, error: FAILURE },
    { type: 'fail', at: 14, error: FAILURE, rolledBack: true },
    { type: 'cancel', at: 15, error: FAILURE },
    { type: 'reschedule', at: 16, error: FAILURE, runAt: 17, rolledBack: true },
    { type: 'release', at: 18 },
    { type: 'retry', at: 19 },
    { type: 'stall', at: 20 },
  ];
}

export function chunk(seq: number, text: string, isError = false): OutputChunk {
  return { seq, text, stream: isError ? 'stderr' : 'stdout' };
}

/** A property that is `undefined` and one that is not there are the same. */
export function assertSame(actual: JobRecord | undefined, expected: JobRecord | undefined): void {
  assertEqual(withoutUndefined(actual), withoutUndefined(expected));
}

/** Both as copies: a driver may have made its arrays in another realm than a test runner its own. */
export function assertEqual(actual: unknown, expected: unknown): void {
  assert.deepEqual(structuredClone(actual), structuredClone(expected));
}

export function withoutUndefined(record: JobRecord | undefined): unknown {
  return (
    record && Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined))
  );
}

export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 5_000;
  while (!(await condition())) {
    assert.ok(Date.now() < deadline, `It never came true: ${condition.toString()}`);
    await wait(5);
  }
}
