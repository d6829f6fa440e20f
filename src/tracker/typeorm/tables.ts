/** A column, in words that every dialect of TypeORM knows. */
export interface ColumnShape {
  readonly type: 'uuid' | 'varchar' | 'integer' | 'bigint' | 'json';
  readonly length?: string;
  readonly nullable?: boolean;
  readonly primary?: boolean;
}

export interface IndexShape {
  readonly name: string;
  readonly columns: readonly string[];
  /** The rows that are in it. MySQL, which knows no such indices, has them all. */
  readonly where: string;
}

export interface TableShape {
  /** The name of its entity. */
  readonly entity: string;
  readonly table: string;
  readonly columns: Readonly<Record<string, ColumnShape>>;
  readonly indices: readonly IndexShape[];
  /** Those that an earlier version had made. */
  readonly retiredIndices?: readonly string[];
}

const ID: ColumnShape = { type: 'varchar', length: '36' };
const OPTIONAL_ID: ColumnShape = { ...ID, nullable: true };
const TIME: ColumnShape = { type: 'bigint' };
const OPTIONAL_TIME: ColumnShape = { ...TIME, nullable: true };
const OPTIONAL_JSON: ColumnShape = { type: 'json', nullable: true };

export const WENT_WRONG = `state IN ('failed', 'cancelled')`;
/** All that are unfinished have an owner; so have, for a moment, some that are not: see `filing.ts`. */
export const OWNED = 'owner IS NOT NULL';
export const FINISHED = 'finished_at IS NOT NULL';
/** What has ended, and is there for nothing but to be read and removed. */
export const FILED = `owner IS NULL AND ${FINISHED}`;

/** Times are in ms since 1970. */
const JOB: TableShape = {
  entity: 'BackgroundJob',
  table: 'background_job',
  columns: {
    id: { ...ID, primary: true },
    name: { type: 'varchar', length: '255' },
    state: { type: 'varchar', length: '16' },
    attempt: { type: 'integer' },
    /** How often in a row it was cut off while it ran. */
    stalled: { type: 'integer', nullable: true },
    created_at: TIME,
    run_at: OPTIONAL_TIME,
    started_at: OPTIONAL_TIME,
    finished_at: OPTIONAL_TIME,
    parent_id: OPTIONAL_ID,
    origin: OPTIONAL_JSON,
    invocation: OPTIONAL_JSON,
    progress: OPTIONAL_JSON,
    result: OPTIONAL_JSON,
    error: OPTIONAL_JSON,
    /** What it waits for, and since when it has written. */
    activity: OPTIONAL_JSON,
    /** 1 where what its last attempt had written was undone. */
    rolled_back: { type: 'integer', nullable: true },
    /** Which part of the output the size limit removed. */
    output_gap: OPTIONAL_JSON,
    /** The process that is to run it, while it is unfinished. */
    owner: OPTIONAL_ID,
  },
  indices: [
    // To list what went wrong, newest first. Of the other states most jobs are completed, and those that are not have an
    // owner: an index of all states would be written to at every change of every job.
    {
      name: 'background_job_state',
      columns: ['state', 'id'],
      where: WENT_WRONG,
    },
    // To list what a job has started.
    { name: 'background_job_parent_id', columns: ['parent_id'], where: 'parent_id IS NOT NULL' },
    // To take over what a process left, and to list what is unfinished.
    { name: 'background_job_owner', columns: ['owner'], where: OWNED },
    // To purge.
    { name: 'background_job_filed', columns: ['finished_at'], where: FILED },
  ],
  // It took in a row within the job's own transaction.
  retiredIndices: ['background_job_finished_at'],
};

/** One row for each time that output is written, not for each line. */
const OUTPUT: TableShape = {
  entity: 'BackgroundOutput',
  table: 'background_output',
  columns: {
    job_id: { ...ID, primary: true },
    last_seq: { type: 'integer', primary: true },
    first_seq: { type: 'integer' },
    chunks: { type: 'json' },
  },
  indices: [],
};

/** One row for each living process. */
const LEASE: TableShape = {
  entity: 'BackgroundLease',
  table: 'background_lease',
  columns: { owner: { ...ID, primary: true }, expires_at: TIME },
  indices: [],
};

export const TABLES = { job: JOB, output: OUTPUT, lease: LEASE } as const;

/** The names of the tables in statements, quoted and qualified. */
export type TableNames = Readonly<Record<keyof typeof TABLES, string>>;
