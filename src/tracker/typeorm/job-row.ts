import type { JobRecord, JobState } from '../../job/job.js';
import { jsonText, type Dialect, type Row } from './dialect.js';
import { TABLES } from './tables.js';

/** The columns that make up a record. */
export const RECORD_COLUMNS = [
  ...['id', 'name', 'state', 'attempt', 'created_at', 'run_at', 'started_at', 'finished_at'],
  ...['parent_id', 'origin', 'invocation', 'progress', 'result', 'error', 'stalled'],
  ...['activity', 'rolled_back'],
];

/** What a start leaves as it was; all else is given by it, or not there in a job that runs. */
export const KEPT_BY_START = [
  ...['id', 'name', 'attempt', 'created_at', 'run_at', 'parent_id', 'origin', 'invocation'],
  'stalled',
];

/** The columns as they are read. */
export function recordSelection(dialect: Dialect, columns = RECORD_COLUMNS): string {
  return columns
    .map((column) =>
      TABLES.job.columns[column]!.type === 'json' ? jsonText(dialect, column) : column,
    )
    .join(', ');
}

/** A record as a row; what is undefined is NULL. */
export function rowOf(record: JobRecord, owner: string, dialect: Dialect): Row {
  const json = (value: unknown): string | undefined => jsonFor(value, dialect) ?? undefined;
  return {
    id: record.id,
    name: record.name,
    state: record.state,
    attempt: record.attempt,
    created_at: wholeOf(record.createdAt),
    run_at: wholeOf(record.runAt),
    started_at: wholeOf(record.startedAt),
    finished_at: wholeOf(record.finishedAt),
    parent_id: record.parentId,
    origin: json(record.origin),
    invocation: record.call === undefined ? undefined : dialect.storable(record.call),
    progress: json(record.progress ?? undefined),
    result: json(record.result),
    error: json(record.error),
    stalled: record.stalled,
    activity: json(record.activity),
    rolled_back: record.rolledBack ? 1 : undefined,
    owner,
  };
}

/** A row as a record. */
export function recordOf(row: Row): JobRecord {
  return {
    id: row['id'] as string,
    name: row['name'] as string,
    state: row['state'] as JobState,
    attempt: Number(row['attempt']),
    createdAt: Number(row['created_at']),
    runAt: numberOf(row['run_at']),
    startedAt: numberOf(row['started_at']),
    finishedAt: numberOf(row['finished_at']),
    parentId: (row['parent_id'] as string | null) ?? undefined,
    origin: jsonOf(row['origin']) as JobRecord['origin'],
    call: (row['invocation'] as string | null) ?? undefined,
    progress: (jsonOf(row['progress']) as JobRecord['progress']) ?? null,
    result: jsonOf(row['result']),
    error: jsonOf(row['error']) as JobRecord['error'],
    stalled: numberOf(row['stalled']),
    activity: jsonOf(row['activity']) as JobRecord['activity'],
    rolledBack: numberOf(row['rolled_back']) === 1 ? true : undefined,
  };
}

/** A value as it is stored; what there is not is NULL, which `null` is not. */
export function jsonFor(value: unknown, dialect: Dialect): string | null {
  return value === undefined ? null : dialect.storable(JSON.stringify(value));
}

/** JSON that was stored; a number may come as one, since SQLite takes it for such. */
export function jsonOf(value: unknown): unknown {
  return value === null || value === undefined
    ? undefined
    : (JSON.parse(`${value as string}`) as unknown);
}

function numberOf(value: unknown): number | undefined {
  return value === null || value === undefined ? undefined : Number(value);
}

function wholeOf(value: number | undefined): number | undefined {
  return value === undefined ? undefined : Math.round(value);
}
