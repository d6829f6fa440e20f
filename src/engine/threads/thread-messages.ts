import type { MessagePort } from 'node:worker_threads';
import type { OutputStream } from '../../job/job-event.js';
import type { LockParty } from '../file-locks.js';
import type { ThreadCall } from '../thread-pool.js';
import type { CrossingError, LineMessage } from './line.js';

type Callback = 'placed' | 'called' | 'write' | 'setProgress' | 'wrote';

/** A call as it is posted to a thread. */
export interface ThreadTask extends Omit<ThreadCall, 'signal' | Callback> {
  /** For messages while it runs. */
  readonly port: MessagePort;
}

/** From a thread, in this order: it began, it calls the method, what it writes and reports, the end of its method; then what becomes of that. */
export type FromThread =
  /** With the other end of its line to the locks, when it is its first call. */
  | { readonly type: 'began'; readonly locks: MessagePort | undefined }
  /** Its application is there. */
  | { readonly type: 'called' }
  | { readonly type: 'output'; readonly text: string; readonly stream: OutputStream }
  | { readonly type: 'progress'; readonly value: number; readonly data: unknown }
  /** It is about to begin a transaction. */
  | { readonly type: 'transaction' }
  /** There are rows in it that are not committed. */
  | { readonly type: 'wrote' }
  | ThreadEnd
  | LineMessage;

/** The end of the method: its result, the error it threw, or another value that it threw. */
export type ThreadEnd =
  | { readonly type: 'value'; readonly value: unknown }
  | { readonly type: 'error'; readonly error: CrossingError }
  | { readonly type: 'thrown'; readonly value: unknown };

/** To a thread. */
export type ToThread = { readonly type: 'abort'; readonly reason: CrossingError } | LineMessage;

/** Asked of a thread, about the transaction of its call. */
export type ThreadQuestion =
  | { readonly what: 'commit' }
  | { readonly what: 'roll back' }
  /** A statement in one of the transactions that are open, by its place among them. */
  | {
      readonly what: 'query';
      readonly index: number;
      readonly sql: string;
      readonly parameters: unknown[] | undefined;
    };

/** How a transaction was ended. */
export interface Ending {
  /** Why it was not committed, where it should have been. */
  readonly fault: CrossingError | undefined;
  readonly isCutOff: boolean;
}

/** Asked by a thread: to mark the job, with these places open. Answered with the index of the one to be committed last. */
export interface MarkQuestion {
  readonly places: readonly (string | undefined)[];
}

/** Asked by a thread on its line to the locks, each wait under a key of its own. */
export type LockQuestion =
  | {
      readonly what: 'take';
      readonly key: number;
      readonly file: string;
      readonly party: LockParty;
      readonly limit: number | undefined;
    }
  /** Gives the lock back, or gives the wait up. */
  | { readonly what: 'leave'; readonly key: number };

/** On the channel of a pool. */
export type PoolMessage = 'close' | 'closed';
