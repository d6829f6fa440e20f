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
}

/** Where a job may be seen over HTTP: the route that started it, and whose it is. */
export interface JobOrigin {
  route: string;
  owner?: string;
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
  /** When a scheduled job is due, in ms since 1970. */
  readonly runAt?: number;
  /** The arguments and rules of the call, encoded, where a durable tracker is to revive it. */
  readonly call?: string;
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
  return job;
}

/** The last report as its readers see it. */
export function progressOf({ progress }: JobRecord): JobProgress | null {
  return progress && { value: progress.value, data: copyOf(progress.data) };
}

function isoOrNull(time: number | undefined): string | null {
  return time === undefined ? null : new Date(time).toISOString();
}
