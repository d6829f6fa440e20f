/** What a running job knows of itself. */
export interface JobContext {
  readonly id: string;
  readonly name: string;
  /** Counted from 1. */
  readonly attempt: number;
  /** Aborted when the attempt is timed out, cancelled or interrupted; `reason` is the error that says which. */
  readonly signal: AbortSignal;
  /** As the function `print`, bound to this job. */
  print(...values: unknown[]): void;
  /** As the function `setProgress`, bound to this job. */
  setProgress(value: number, data?: unknown): void;
}
