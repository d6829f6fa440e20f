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
  const state = TRANSITIONS[record.state][change.type];
  if (!state) return undefined;
  const changed = changedRecord(record, state, change);
  // Whatever the job was at, that is over. Most jobs never say, and their records go without the property.
  return changed.activity ? { ...changed, activity: undefined } : changed;
}

function changedRecord(record: JobRecord, state: JobState, change: JobChange): JobRecord {
  switch (change.type) {
    case 'complete':
      return { ...record, state, finishedAt: change.at, result: change.result };
    case 'fail':
    case 'cancel':
      return { ...record, state, finishedAt: change.at, ...failed(change) };
    case 'start':
      return started(record, state, change.at);
    default:
      return { ...record, state, ...effectOf(record, change) };
  }
}

function started(record: JobRecord, state: JobState, startedAt: number): JobRecord {
  const attempt = record.attempt + 1;
  const fresh = { ...record, state, attempt, startedAt, progress: null, error: undefined };
  return record.rolledBack ? { ...fresh, rolledBack: undefined } : fresh;
}

/** Of a change after which the job waits. */
function effectOf(
  { stalled = 0 }: JobRecord,
  change: Extract<JobChange, { type: 'enqueue' | 'release' | 'stall' | 'reschedule' | 'retry' }>,
): Partial<JobRecord> {
  switch (change.type) {
    case 'enqueue':
      return { runAt: undefined };
    case 'release':
      return { progress: null };
    case 'stall':
      return { progress: null, stalled: stalled + 1 };
    case 'reschedule':
      return { ...failed(change), runAt: change.runAt, stalled: undefined };
    case 'retry':
      return { startedAt: undefined, finishedAt: undefined, progress: null, stalled: undefined };
  }
}

/** What there was to undo is undone, though a later change, such as a cancel before the next attempt, may not know. */
function failed({
  error,
  rolledBack,
}: {
  error: JobFailure;
  rolledBack?: true;
}): Partial<JobRecord> {
  return rolledBack ? { error, rolledBack } : { error };
}
