import type { JobFailure, JobRecord, JobState } from './job.js';

/** What can happen to a job; `at` is the time in ms since 1970. */
export type JobChange =
  | { type: 'enqueue'; at: number }
  | { type: 'start'; at: number }
  | { type: 'complete'; at: number; result: unknown }
  | { type: 'fail'; at: number; error: JobFailure; rolledBack?: true }
  | { type: 'cancel'; at: number; error: JobFailure; rolledBack?: true }
  | { type: 'reschedule'; at: number; error: JobFailure; runAt?: number; rolledBack?: true }
  /** Its process gives it up, for another one to run it. */
  | { type: 'release'; at: number }
  /** It was cut off: its process is gone, or its connection. It runs again, which is counted. */
  | { type: 'stall'; at: number }
  /** On request: the only way out of an end. */
  | { type: 'retry'; at: number };

/** The whole state machine; `docs/state-machine.md` draws it, and a test compares the two. */
export const TRANSITIONS: Readonly<
  Record<JobState, Partial<Readonly<Record<JobChange['type'], JobState>>>>
> = {
  // An engine may deliver a job whose time has come before it is noted as queued.
  scheduled: { enqueue: 'queued', start: 'running', fail: 'failed', cancel: 'cancelled' },
  queued: { start: 'running', fail: 'failed', cancel: 'cancelled' },
  running: {
    complete: 'completed',
    fail: 'failed',
    cancel: 'cancelled',
    reschedule: 'scheduled',
    release: 'queued',
    stall: 'queued',
  },
  completed: {},
  failed: { retry: 'queued' },
  cancelled: { retry: 'queued' },
};

/** Whether a job is over: nothing happens to it any more, unless somebody has it run again. */
export function isFinal(state: JobState): boolean {
  return state === 'completed' || state === 'failed' || state === 'cancelled';
}

/**
 * The record after the change, or `undefined` where the state does not admit it: whatever comes after the
 * end (a late result, a timer left behind) is ignored, and never resurrects a job. Only the explicit command does.
 */
export function applyChange(record: JobRecord, change: JobChange): JobRecord | undefined {
  if (!TRANSITIONS[record.state][change.type]) return undefined;
  const changed: ChangingRecord = { ...record };
  changeInPlace(changed, change);
  return changed;
}

/** A record that only its keeper holds. */
export type ChangingRecord = { -readonly [K in keyof JobRecord]: JobRecord[K] };

/** The same without a copy, for a keeper who shows copies alone. False where the state does not admit it. */
export function changeInPlace(record: ChangingRecord, change: JobChange): boolean {
  const state = TRANSITIONS[record.state][change.type];
  if (!state) return false;
  record.state = state;
  // Whatever the job was at, that is over. Most jobs never say, and their records go without the property.
  if (record.activity) record.activity = undefined;
  takeEffect(record, change);
  return true;
}

function takeEffect(record: ChangingRecord, change: JobChange): void {
  switch (change.type) {
    case 'complete':
      record.finishedAt = change.at;
      record.result = change.result;
      return;
    case 'fail':
    case 'cancel':
      record.finishedAt = change.at;
      return noteFailure(record, change);
    case 'start':
      return start(record, change.at);
    default:
      waitAgain(record, change);
  }
}

function start(record: ChangingRecord, startedAt: number): void {
  record.attempt += 1;
  record.startedAt = startedAt;
  record.progress = null;
  if (record.error) record.error = undefined;
  if (record.rolledBack) record.rolledBack = undefined;
}

/** After such a change the job waits. */
function waitAgain(
  record: ChangingRecord,
  change: Extract<JobChange, { type: 'enqueue' | 'release' | 'stall' | 'reschedule' | 'retry' }>,
): void {
  switch (change.type) {
    case 'enqueue':
      record.runAt = undefined;
      return;
    case 'release':
      record.progress = null;
      return;
    case 'stall':
      record.progress = null;
      record.stalled = (record.stalled ?? 0) + 1;
      return;
    case 'reschedule':
      noteFailure(record, change);
      record.runAt = change.runAt;
      record.stalled = undefined;
      return;
    case 'retry':
      record.startedAt = record.finishedAt = undefined;
      record.progress = null;
      record.stalled = undefined;
  }
}

/** What there was to undo is undone, though a later change, such as a cancel before the next attempt, may not know. */
function noteFailure(
  record: ChangingRecord,
  { error, rolledBack }: { error: JobFailure; rolledBack?: true },
): void {
  record.error = error;
  if (rolledBack) record.rolledBack = rolledBack;
}
