import type { MessagePort } from 'node:worker_threads';
import type { JobFailure } from '../../job/job.js';
import type { OutputStream } from '../../job/job-event.js';
import type { ThreadCall } from '../thread-pool.js';

/** A call as it is posted to a thread. */
export interface ThreadTask extends Omit<ThreadCall, 'signal' | 'write' | 'setProgress'> {
  /** For messages while it runs. */
  readonly port: MessagePort;
}

/** From a thread, in this order: it began, what it writes and reports, then its end. */
export type FromThread =
  | { readonly type: 'began' }
  | { readonly type: 'output'; readonly text: string; readonly stream: OutputStream }
  | { readonly type: 'progress'; readonly value: number; readonly data: unknown }
  | ThreadEnd;

/** The end of the method: its result, the error it threw, or another value that it threw. */
export type ThreadEnd =
  | { readonly type: 'value'; readonly value: unknown }
  | { readonly type: 'error'; readonly failure: JobFailure; readonly fields: object }
  | { readonly type: 'thrown'; readonly value: unknown };

/** To a thread. */
export interface ToThread {
  readonly type: 'abort';
  readonly reason: JobFailure;
}

/** On the channel of a pool. */
export type PoolMessage = 'close' | 'closed';
