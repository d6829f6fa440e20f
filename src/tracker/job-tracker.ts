import type { Clock } from '../job/clock.js';
import type { JobActivity, JobOrigin, JobProgress, JobRecord, JobState } from '../job/job.js';
import type { MaybePromise } from '../job/maybe-promise.js';
import type { JobChange } from '../job/state-machine.js';
import type { OutputAppend, OutputPage } from '../output/output-chunk.js';

/** How long finished jobs are kept, in ms from their end, and how many of them at most. */
export interface Retention {
  readonly completed: number;
  /** For cancelled ones too. */
  readonly failed: number;
  readonly count: number;
}

/** What a tracker is given when its application starts. */
export interface TrackerSettings {
  readonly clock: Clock;
  readonly retention: Retention;
  /** Given where the application can run again what another process left unfinished. */
  readonly recovery?: Recovery;
  /**
   * Whether the application is that of a thread, beside the one of its process: it keeps its own jobs, and leaves it to
   * the other to see to what is left of others.
   */
  readonly inThread?: boolean;
}

/** What a durable tracker hands the jobs to that a process left unfinished, by a crash or at its end. */
export interface Recovery {
  /** Whether the application has a job of this name. What no process knows stays where it is. */
  knows(name: string): boolean;
  /** There are unfinished jobs that it does not know; called again and again while there are. */
  leaveAlone(names: readonly string[]): void;
  /** Runs a job again that is now this process's. Rejected where it cannot take it; then it is given back. */
  revive(record: JobRecord): Promise<void>;
}

/** How a job stands: what others may have changed of one that is not theirs. */
export type JobStanding = Pick<JobRecord, 'state' | 'attempt'>;

/** Which jobs to list, newest first. */
export interface JobQuery {
  state?: JobState;
  name?: string;
  /** Only jobs that this one started. */
  parentId?: string;
  /** At most so many; 100 if not given. */
  limit?: number;
  /** Only jobs created before the one with this id. */
  before?: string;
}

/** A database transaction that is open, for a tracker to write in. */
export interface OpenTransaction {
  /** The TypeORM DataSource that it belongs to. */
  readonly dataSource: object;
  /** Runs a statement in it, as `QueryRunner.query` does. */
  query(sql: string, parameters?: unknown[]): Promise<unknown>;
  /** Has one more statement run with the COMMIT, in one round trip. Given where it is about to end, and its database can. */
  endsWith?(last: LastStatement): void;
}

/** What is run with a COMMIT. */
export interface LastStatement {
  /** Fails where nothing may be committed, or changes no row there. Always the same text, but for its values. */
  readonly sql: string;
  readonly values: readonly unknown[];
  /** The same with its values in it, for where a statement cannot be kept prepared. */
  literally?(): string;
  /** Whether an error is that failure. */
  isRefusal(error: unknown): boolean;
  /** Called once it is committed. */
  committed(): void;
}

/**
 * Keeps jobs, their progress and their output. The only place that is asked for state.
 *
 * A change is applied through `applyChange` and refused (`undefined`) where the state does not admit it, or
 * where `attempt` is given and is not the one that runs: what a stopped run still does must not count. The
 * same goes for progress and output. Once a record is final, all output that was appended before can be read.
 */
export interface JobTracker {
  /** Whether jobs outlive the process: then their arguments must survive the codec, and come with the record. */
  readonly durable?: boolean;
  /**
   * Whether other processes see its jobs, and may change them: then those that are pending here are watched, so that a
   * cancel from elsewhere reaches them. `watch` must tell of such changes, within about a second, also of a job that is
   * yet to be stored.
   */
  readonly shared?: boolean;
  /** Called once, before anything else. */
  open(settings: TrackerSettings): MaybePromise<void>;
  /**
   * Called once the application's providers exist, with its TypeORM DataSources by name. What was asked of the tracker
   * before that waits for it.
   */
  connect?(dataSources: ReadonlyMap<string, object>): MaybePromise<void>;
  /** Whether the tracker can write in transactions of this DataSource; only then is it given any. */
  joins?(dataSource: object): boolean;
  /** Whether an error of the tracker says that its store cannot be reached for now: then what failed is tried again. */
  isUnavailable?(error: unknown): boolean;
  /** Stores a job that is new; within the transaction where one is given. */
  create(record: JobRecord, transaction?: OpenTransaction): MaybePromise<void>;
  /** Removes a job that could not be queued, as if it had never been. */
  forget(id: string): MaybePromise<void>;
  /** The record after the change, or `undefined` where it was refused; within the transaction where one is given. */
  change(
    id: string,
    change: JobChange,
    attempt?: number,
    transaction?: OpenTransaction,
  ): MaybePromise<JobRecord | undefined>;
  setProgress(id: string, attempt: number, progress: JobProgress): MaybePromise<void>;
  /**
   * Notes what a running job is at: that replaces what was noted before, and every change of state forgets it. Refused to
   * an attempt that is no longer the current one, and never written through the transaction of the job. Called only for
   * what lasts, about four times a second at most. A tracker may do without: then nobody is told.
   */
  setActivity?(id: string, attempt: number, activity: JobActivity): MaybePromise<void>;
  append(id: string, output: OutputAppend, attempt?: number): MaybePromise<void>;
  /** Fulfilled once other processes can read what was appended; left out where they can at once. */
  flush?(id: string): MaybePromise<void>;
  /**
   * The job was asked for at one more place, as `joinedBy` notes it: who asks there may see it. Without this, it is seen
   * where it was started alone.
   */
  share?(id: string, origin: JobOrigin): MaybePromise<void>;
  find(id: string): MaybePromise<JobRecord | undefined>;
  list(query: JobQuery): MaybePromise<JobRecord[]>;
  counts(): MaybePromise<Record<JobState, number>>;
  /** The output after a chunk number, 0 for all of it; `undefined` for an unknown job. */
  output(id: string, after: number): MaybePromise<OutputPage | undefined>;
  /** The last report of a job that is not found here, since it is another process's; `null` for none. */
  progressElsewhere?(id: string): MaybePromise<[value: number, data: unknown] | null>;
  /**
   * Calls `wake` soon after anything of the job has changed, until the returned function is called; with how the job
   * stands, where that is known, so that nobody has to look it up.
   */
  watch(id: string, wake: (standing?: JobStanding) => void): () => void;
  /** The application is about to end: what is tried again until the store is back is tried no more. */
  hurry?(): void;
  /** Called last. Frees timers and connections. */
  close(): MaybePromise<void>;
}
