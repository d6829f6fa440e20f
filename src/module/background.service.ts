import { Inject, Injectable } from '@nestjs/common';
import type { Observable } from 'rxjs';
import { setProgress } from '../context/in-job.js';
import { dispatchFunction } from '../decorators/background.function.js';
import { RUNTIME } from '../decorators/runtime-injection.js';
import { BackgroundError } from '../errors/background.error.js';
import {
  anInteger,
  aCount,
  aDuration,
  aJobId,
  aText,
  checkOptions,
  oneOf,
  show,
} from '../errors/check-options.js';
import { JobNotFoundError } from '../errors/job.errors.js';
import { progressOf, toJob, type Job, type JobState } from '../job/job.js';
import { recordingOf } from '../future/watched-promise.js';
import { parseDuration, type Duration } from '../job/duration.js';
import type { JobEvent } from '../job/job-event.js';
import { isFinal, TRANSITIONS } from '../job/state-machine.js';
import { pageFor } from '../output/seen-output.js';
import { transcript } from '../output/transcript.js';
import type { JobMethod } from '../registry/job-definition.js';
import type { BackgroundRuntime } from '../runtime/background-runtime.js';
import type { JobQuery } from '../tracker/job-tracker.js';

const QUERY = {
  state: oneOf(...Object.keys(TRANSITIONS)),
  name: aText,
  parentId: aJobId,
  limit: aCount(0),
  before: aJobId,
};

/** The jobs of an application, from outside: start functions, look, wait, cancel. Inject it anywhere. */
@Injectable()
export class BackgroundService {
  constructor(@Inject(RUNTIME) private readonly runtime: BackgroundRuntime) {}

  /** Runs a function in the background. (asyncjob's `asyncjob_perform`.) @returns the job's id. */
  perform<A extends unknown[]>(fn: (...args: A) => unknown, ...args: A): string {
    if (typeof fn !== 'function') {
      throw new BackgroundError(
        `perform() was given ${show(fn)}. Give it a function and its arguments.`,
      );
    }
    return dispatchFunction(this.runtime, fn as unknown as JobMethod, args).id;
  }

  /**
   * How far a job is. (asyncjob's `asyncjob_get_progress`.)
   * @returns `[value, data]`; `[-1, null]` where it has not started or reported nothing yet; `null` where it is
   * over or unknown.
   */
  async getProgress(id: string): Promise<[value: number, data: unknown] | null> {
    const record = await this.runtime.control.peek(id);
    if (!record) return (await this.runtime.settings.tracker.progressElsewhere?.(id)) ?? null;
    if (isFinal(record.state)) return null;
    const progress = progressOf(record);
    return progress ? [progress.value, progress.data] : [-1, null];
  }

  /** The function `setProgress`, for code that has the service at hand. */
  setProgress(value: number, data?: unknown): void {
    setProgress(value, data);
  }

  /** The job as it is now; `undefined` where it never was, or its retention is over. */
  async find(id: string): Promise<Job | undefined> {
    const record = await this.runtime.control.peek(id);
    return record && toJob(record);
  }

  /**
   * The jobs that are kept, newest first. (web.py's `threaddb`.)
   * @param query By state, by name, by the job that started them, at most `limit` (100), created before the job with the id `before`.
   * @throws BackgroundOptionsError
   */
  async list(query: JobQuery = {}): Promise<Job[]> {
    checkOptions('list()', query, QUERY);
    return (await this.runtime.settings.tracker.list(query)).map(toJob);
  }

  /**
   * What a job has printed so far.
   * @param options Only what came after the chunk with the number `after`, as events give it.
   * @throws JobNotFoundError
   */
  async output(id: string, options: { after?: number } = {}): Promise<string> {
    checkOptions('output()', options, { after: anInteger });
    const { control, settings } = this.runtime;
    await control.record(id);
    const after = chunkNumber(options);
    const page = await settings.tracker.output(id, after);
    if (!page) throw new JobNotFoundError(id);
    return transcript(pageFor(page, after));
  }

  /**
   * All output so far, then output, progress and state as they come, ending with the final state. Errs with
   * `JobNotFoundError`.
   */
  follow(id: string, options: { after?: number } = {}): Observable<JobEvent> {
    checkOptions('follow()', options, { after: anInteger });
    return this.runtime.control.follow(id, { after: chunkNumber(options) });
  }

  /**
   * The result of a job, once it is there; rejected with its error if it fails.
   * @throws JobNotFoundError
   */
  wait<T = unknown>(id: string): Promise<T> {
    return this.runtime.control.wait(id) as Promise<T>;
  }

  /**
   * Cancels a job: one that waits never starts, one that runs has its `signal` aborted and its future rejected with
   * `JobCancelledError`. Code that ignores its signal runs on, but nothing it does counts.
   * @returns `false` where the job was over, or unknown.
   */
  cancel(id: string, reason?: unknown): Promise<boolean> {
    return this.runtime.control.cancel(id, reason);
  }

  /**
   * Runs a job again that has failed or was cancelled: at once, under the same id, its attempts counted on. Its result
   * is got with `wait(id)`; the future of the first end stays as it is.
   * A durable tracker has it run in whichever process is asked, if that has a method of its name.
   * @returns `false` where there is nothing to run again: it is unknown, not over, completed, or it ended in another
   * process and nothing is kept of its call.
   * @throws QueueFullError
   */
  retry(id: string): Promise<boolean> {
    return recordingOf({ id }, this.runtime.retry(id));
  }

  /** How many jobs are in each state. */
  async counts(): Promise<Record<JobState, number>> {
    return this.runtime.settings.tracker.counts();
  }

  /**
   * Waits until this process has no job left to run, delayed ones included.
   * @param options Gives up after `timeout`.
   * @throws BackgroundError when the time is over.
   */
  async drain(options: { timeout?: Duration } = {}): Promise<void> {
    checkOptions('drain()', options, { timeout: aDuration });
    await this.runtime.drain(parseDuration(options.timeout));
  }
}

/** There is none before the first; a store of numbers may take a negative one for something else. */
function chunkNumber({ after = 0 }: { after?: number }): number {
  return Math.max(0, after);
}
