import { copyOf } from './plain-json.js';

/** Where a job is in its life. `docs/state-machine.md` draws how it moves. The last three are final. */
export type JobState = 'scheduled' | 'queued' | 'running' | 'completed' | 'failed' | 'cancelled';

/** The last report of a job: a number (0 to 100 where it is meant as a percentage) and anything beside it. */
export interface JobProgress {
  value: number;
  data: unknown;
}

/** What is kept of the value that a job threw. */
export interface JobFailure {
  name: string;
  message: string;
  stack?: string;
}

/**
 * What there is to wait for in a job: another job, a row, the turn to write to SQLite, a place in the connection pool, or
 * among the jobs that run, for one that was made ready too soon.
 */
export type JobWaitKind = 'job' | 'timed query' | 'writer lock' | 'connection' | 'place';

/** What a running job waits for, as plain JSON. */
export interface JobWait {
  what: JobWaitKind;
  /** The name of the job that it waits for. */
  name?: string;
  /** The id of the job that it waits for. */
  id?: string;
  /** ISO 8601. */
  since: string;
}

/** One request to run one method, as plain JSON: what the service lists and a poll answers. */
export interface Job {
  /** A UUID v7: never reused, its random part from a cryptographic source. */
  id: string;
  /** `Class.method`, or the `name` option. */
  name: string;
  state: JobState;
  /** The last report, `null` until there is one. */
  progress: JobProgress | null;
  /** 0 before the first run, then counted from 1. */
  attempt: number;
  /** ISO 8601. */
  createdAt: string;
  /** ISO 8601, of the current attempt; `null` before it starts. */
  startedAt: string | null;
  /** ISO 8601; `null` before the end. */
  finishedAt: string | null;
  /** What the method returned, as JSON keeps it. Present once completed, unless it returned nothing. */
  result?: unknown;
  /** Why the job failed or was cancelled, or why its last attempt did. */
  error?: JobFailure;
  /** The job that started this one. */
  parentId?: string;
  /** What it waits for; there only while it runs and waits, and once that has lasted for a moment. */
  waitsFor?: JobWait;
  /** ISO 8601: since when it has had changes in the database that are not committed; there only while it runs. */
  writingSince?: string;
  /** There where it failed, was cancelled or waits for another attempt, and what it had written was undone. */
  rolledBack?: true;
}

/** Where a job may be seen over HTTP: the route that started it, and whose it is. */
export interface JobOrigin {
  route: string;
  owner?: string;
  /** Those that have asked for it since: their calls, with the same unique key, are this job. */
  also?: readonly JobOrigin[];
}

/** What a running job is at, beside its progress; times in ms since 1970. */
export interface JobActivity {
  readonly waitsFor?: {
    readonly what: JobWaitKind;
    /** Of the job that it waits for. */
    readonly name?: string;
    readonly id?: string;
    readonly since: number;
  };
  /** Since when it has had changes in the database that are not committed. */
  readonly writingSince?: number;
}

/** A job as trackers keep it: times in ms since 1970, and what no reader is shown. */
export interface JobRecord {
  readonly id: string;
  readonly name: string;
  readonly createdAt: number;
  readonly parentId: string | undefined;
  readonly origin: JobOrigin | undefined;
  readonly state: JobState;
  readonly attempt: number;
  readonly startedAt: number | undefined;
  readonly finishedAt: number | undefined;
  readonly progress: JobProgress | null;
  readonly result: unknown;
  readonly error: JobFailure | undefined;
  /** How often in a row it was cut off while it ran: its process was gone, or its connection. */
  readonly stalled?: number;
  /** When a scheduled job is due, in ms since 1970. */
  readonly runAt?: number;
  /** The arguments and rules of the call, encoded, where a durable tracker is to revive it. */
  readonly call?: string;
  /** Only while it runs: every change of state forgets it. */
  readonly activity?: JobActivity;
  /** Whether what its last attempt had written was undone. */
  readonly rolledBack?: true;
}

/** A record as its readers see it. */
export function toJob(record: JobRecord): Job {
  const job: Job = {
    id: record.id,
    name: record.name,
    state: record.state,
    progress: progressOf(record),
    attempt: record.attempt,
    createdAt: new Date(record.createdAt).toISOString(),
    startedAt: isoOrNull(record.startedAt),
    finishedAt: isoOrNull(record.finishedAt),
  };
  if (record.result !== undefined) job.result = copyOf(record.result);
  if (record.error) job.error = { ...record.error };
  if (record.parentId) job.parentId = record.parentId;
  if (record.rolledBack) job.rolledBack = true;
  if (record.activity) Object.assign(job, activityOf(record.activity));
  return job;
}

function activityOf({ waitsFor, writingSince }: JobActivity): Partial<Job> {
  const activity: Partial<Job> = {};
  if (waitsFor) activity.waitsFor = { ...waitsFor, since: new Date(waitsFor.since).toISOString() };
  if (writingSince !== undefined) activity.writingSince = new Date(writingSince).toISOString();
  return activity;
}

/** The last report as its readers see it. */
export function progressOf({ progress }: JobRecord): JobProgress | null {
  return progress && { value: progress.value, data: copyOf(progress.data) };
}

function isoOrNull(time: number | undefined): string | null {
  return time === undefined ? null : new Date(time).toISOString();
}
