/** Who wants to write to a database file, as errors name it. Plain data: it may come from a thread. */
export interface LockParty {
  readonly title: string;
  /** The job whose code waits; that job must not wait for itself. */
  readonly jobId?: string;
  /** Whether it is the very transaction of that job, which ends only when the job's code has ended. */
  readonly isJob?: boolean;
}

export interface WaitRules {
  /** Gives up the wait. */
  readonly signal?: AbortSignal | undefined;
  /** In ms; default `WAIT_LIMIT`. */
  readonly limit?: number | undefined;
}

export type Release = () => void;

/** The locks of database files, one of each for all threads of the process. */
export interface FileLocks {
  /** @throws DatabaseBusyError, JobTransactionError, JobDeadlockError */
  take(file: string, party: LockParty, rules?: WaitRules): Promise<Release>;
}
