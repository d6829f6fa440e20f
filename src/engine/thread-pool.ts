import { workerData } from 'node:worker_threads';
import type { MaybePromise } from '../job/maybe-promise.js';
import type { OutputStream } from '../job/job-event.js';
import type { FileLocks } from './file-locks.js';

/** One attempt of a job, for a thread: everything but the code, which the thread's own application has. */
export interface ThreadCall {
  readonly id: string;
  readonly name: string;
  readonly attempt: number;
  /** The class whose instance has the method, and the method. */
  readonly owner: string;
  readonly key: string;
  readonly args: readonly unknown[];
  /** What the job asks of its transaction. */
  readonly transaction: boolean | object | undefined;
  readonly capturesConsole: boolean;
  readonly echoesConsole: boolean;
  /** Aborted when the attempt is stopped; a thread that does not end then is ended. */
  readonly signal: AbortSignal;
  /** There is a thread for it, whose application may still have to start. */
  placed(): void;
  /** The thread is about to call the method. */
  called(): void;
  write(text: string, stream: OutputStream): void;
  setProgress(value: number, data: unknown): void;
  /** There are rows in its transaction that are not committed. */
  wrote(): void;
}

/** A database with an open transaction in a thread. */
export interface ThreadDatabase {
  /** Which it is, the same in all threads; `undefined` of one that no other can see. */
  readonly place: string | undefined;
  /** Runs a statement in the transaction. */
  query(sql: string, parameters?: unknown[]): Promise<unknown>;
}

/** Writes what is to be committed with the rest; gives the database that is to be committed last. */
export type ThreadMark = (open: readonly ThreadDatabase[]) => Promise<ThreadDatabase | undefined>;

/** An attempt in a thread. Where it has a transaction, that is open until it is said here what becomes of it. */
export interface ThreadRun {
  /** The result of the method; rejected with what it throws, or where the thread ends. */
  readonly result: Promise<unknown>;
  /** Whether a connection to a database was lost: known once it was said what is to become of the transaction. */
  readonly isCutOff: boolean;
  /** Commits what the method wrote. Rejected where it is rolled back instead, or the thread has ended. */
  commit(mark: ThreadMark): Promise<void>;
  /** Fulfilled when what the method wrote is undone, if it was about to write: where it does not listen, with its thread. */
  rollBack(): Promise<void>;
}

/** Runs methods in threads, each of which has an application of its own. */
export interface ThreadPool {
  /**
   * Called once, before anything else.
   * @param locks Of the database files that the process writes to: its threads take the same.
   * @throws BackgroundOptionsError where it cannot work.
   */
  open(locks: FileLocks): MaybePromise<void>;
  run(call: ThreadCall): ThreadRun;
  /** Ends the threads. */
  close(): MaybePromise<void>;
}

/** What a pool gives its threads as `workerData`. */
export interface ThreadData {
  readonly background: {
    /** The URL of the module that makes the application. */
    readonly app: string;
    /** The name of the channel on which the end is announced. */
    readonly channel: string;
    /** Set in the thread, before its application is made: the way to the locks of the process. */
    locks?: FileLocks;
  };
}

/** What the pool has given this thread; `undefined` in the main thread, and in others' threads. */
export function threadData(): ThreadData['background'] | undefined {
  const data = workerData as Partial<ThreadData> | null | undefined;
  return data?.background;
}
