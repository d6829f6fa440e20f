import type { JobEngine } from '../engine/job-engine.js';
import type { ThreadPool } from '../engine/thread-pool.js';
import type { Clock } from '../job/clock.js';
import type { JobKeeper } from '../tracker/job-keeper.js';
import type { JobTracker } from '../tracker/job-tracker.js';
import type { JobTransactions } from '../transaction/job-transactions.js';
import type { EndedCalls } from './ended-calls.js';
import type { JobReporter } from './job-reporter.js';

/** What a runner is made with. */
export interface RunnerSettings {
  readonly runtime: object;
  readonly tracker: JobTracker;
  /** Keeps the tracker's jobs by the objects that stand for them, where it can. */
  readonly keeper: JobKeeper | undefined;
  readonly engine: Pick<JobEngine, 'lend' | 'discard' | 'distributed' | 'vacate' | 'passOn'>;
  readonly clock: Clock;
  readonly reporter: JobReporter;
  readonly ended: EndedCalls;
  readonly threads: ThreadPool | undefined;
  readonly maxBytes: number;
  readonly capturesConsole: boolean;
  readonly echoesConsole: boolean;
  readonly transactions: JobTransactions;
  /** How often in a row a job may be cut off, and run again. */
  readonly maxStalledCount: number;
}
