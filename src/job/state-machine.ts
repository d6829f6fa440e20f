import type { JobFailure, JobRecord, JobState } from './job.js';

/** What can happen to a job; `at` is the time in ms since 1970. */
export type JobChange =
  | { type: 'enqueue'; at: number }
  | { type: 'start'; at: number }
  | { type: 'complete'; at: number; result: unknown }
  | { type: 'fail'; at: number; error: JobFailure }
  | { type: 'cancel'; at: number; error: JobFailure }
  | { type: 'reschedule'; at: number; error: JobFailure; runAt?: number }
  /** Its process gives it up, for another one to run it. */
  | { type: 'release'; at: number }
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
  switch (change.type) {
    case 'enqueue':
      return { ...record, state, runAt: undefined };
    case 'release':
      return { ...record, state, progress: null };
    case 'start':
      return {
        ...record,
        state,
        attempt: record.attempt + 1,
        startedAt: change.at,
        progress: null,
        error: undefined,
      };
    case 'complete':
      return { ...record, state, finishedAt: change.at, result: change.result };
    case 'fail':
    case 'cancel':
      return { ...record, state, finishedAt: change.at, error: change.error };
    case 'reschedule':
      return { ...record, state, error: change.error, runAt: change.runAt };
    case 'retry':
      return { ...record, state, startedAt: undefined, finishedAt: undefined, progress: null };
  }
}
