import type { Queue, Worker } from 'bullmq';
import type { KeyLimits } from './key-limits.js';
import type { BullMqSettings } from './options.js';

/** Where a queue of BullMQ is kept, and how to come to it. */
export interface Broker {
  /** For messages, without passwords. */
  readonly address: string;
  /** Rejected within seconds where it cannot be reached. `recovered` is called whenever it is back after it was away. */
  open(recovered: () => void): Promise<void>;
  /** For what is enqueued and settled: a command fails within seconds where nobody answers. */
  queue(): Queue;
  /** For what is fetched: it waits for as long as nobody answers. */
  worker(): Worker;
  /** Ends the waiting of a worker for jobs. What it is just being given, it gets. */
  interrupt(worker: Worker): Promise<void>;
  limits(): KeyLimits;
  /** Wakes a worker that waits, for a job that BullMQ itself wakes nobody for. */
  wake(queue: Queue): Promise<void>;
  close(): Promise<void>;
}

/**
 * With the lock of a job that is fetched with the end of another, which BullMQ reads from its worker's options. That a
 * job leaves nothing behind is said at its end: as an option it would be written and read with every job.
 */
export function queueOptions({ lock }: BullMqSettings): { lockDuration: number } {
  return { lockDuration: lock };
}

/** How often it is looked for stalled jobs: often enough for a lock that has just run out. */
export function workerOptions({ lock }: BullMqSettings): {
  autorun: false;
  lockDuration: number;
  stalledInterval: number;
  maxStalledCount: number;
  drainDelay: number;
} {
  return {
    autorun: false,
    lockDuration: lock,
    stalledInterval: Math.min(5_000, Math.ceil(lock / 2)),
    // How often a job may run is for its own rules to say.
    maxStalledCount: 1e9,
    drainDelay: 2,
  };
}
