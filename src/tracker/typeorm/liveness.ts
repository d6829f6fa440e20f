/** A condition in SQL. */
export interface Condition {
  readonly sql: string;
  readonly values: readonly unknown[];
}

/** How processes know of each other whether they live: only a dead one's jobs may be taken over. */
export interface Liveness {
  /** This process lives, from now on; before it takes any job. */
  claim(): Promise<void>;
  /**
   * Which owners of jobs are no more.
   * @param thoroughly Also those of which nothing is left but their jobs.
   */
  dead(thoroughly: boolean): Promise<Condition>;
  /** This process is about to end. Its jobs have been handed back. */
  giveUp(): Promise<void>;
}
