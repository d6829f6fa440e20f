import type { JobKey } from '../job/job-id.js';
import type { JobOrigin, JobRecord, JobState } from '../job/job.js';
import type { JobChange } from '../job/state-machine.js';

/**
 * Keeps jobs by the objects that stand for them, where the tracker is in this very process: then a job whose id nobody
 * has read needs none, and nobody can look for it by its id. A tracker that keeps jobs so is one all the same.
 */
export interface JobKeeper {
  /** A job that is new. It is not kept yet: nobody finds it. */
  draft(name: string, createdAt: number): KeptJob;
  /** The job whose id was read before. */
  find(id: string): KeptJob | undefined;
  /** The jobs that have a `call`, the oldest first. */
  called(): KeptJob[];
}

/** A job as its keeper has it; the record changes as the job does. */
export interface KeptJob extends JobKey, Pick<JobRecord, 'name' | 'createdAt' | 'attempt'> {
  readonly stalled?: number;
  /** Whether it is found: from `keep()` on, until its retention is over. */
  readonly isKept: boolean;
  state: JobState;
  parentId: string | undefined;
  origin: JobOrigin | undefined;
  runAt?: number;
  /** Who is to run it, as long as it is not over. */
  caller: object | undefined;
  /** From now on it is found. */
  keep(): void;
  /** As `JobTracker.change` has it. */
  change(change: JobChange, attempt?: number): this | undefined;
}
