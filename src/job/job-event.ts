import type { Job, JobState } from './job.js';

/** Which of a process's two output streams a text was written to. */
export type OutputStream = 'stdout' | 'stderr';

/**
 * A piece of output. With `dropped`, the text stands for that many bytes which the size limit removed; for one who resumes
 * among them, it is the most that there can be.
 */
export interface OutputEvent {
  type: 'output';
  seq: number;
  text: string;
  stream: OutputStream;
  dropped?: number;
}

/** The job's latest report. Reports that follow each other faster than a reader takes them are merged. */
export interface ProgressEvent {
  type: 'progress';
  value: number;
  data: unknown;
}

/** A change of state. The last event of a job is one with a final state. */
export interface StateEvent {
  type: 'state';
  state: JobState;
  job: Job;
}

/** What whoever follows a job is told. */
export type JobEvent = OutputEvent | ProgressEvent | StateEvent;
