import { workerData } from 'node:worker_threads';
import type { MaybePromise } from '../job/maybe-promise.js';
import type { OutputStream } from '../job/job-event.js';

/** One attempt of a job, for a thread: everything but the code, which the thread's own application has. */
export interface ThreadCall {
  readonly id: string;
  readonly name: string;
  readonly attempt: number;
  /** The class whose instance has the method, and the method. */
  readonly owner: string;
  readonly key: string;
  readonly args: readonly unknown[];
  readonly capturesConsole: boolean;
  readonly echoesConsole: boolean;
  /** Aborted when the attempt is stopped; a thread that does not end then is ended. */
  readonly signal: AbortSignal;
  write(text: string, stream: OutputStream): void;
  setProgress(value: number, data: unknown): void;
}

/** Runs methods in threads, each of which has an application of its own. */
export interface ThreadPool {
  /** Called once, before anything else. @throws BackgroundOptionsError where it cannot work. */
  open(): MaybePromise<void>;
  /** The result of the method; rejected with what it throws. */
  run(call: ThreadCall): Promise<unknown>;
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
  };
}

/** What the pool has given this thread; `undefined` in the main thread, and in others' threads. */
export function threadData(): ThreadData['background'] | undefined {
  const data = workerData as Partial<ThreadData> | null | undefined;
  return data?.background;
}
