import type { Logger } from '@nestjs/common';
import { stacksOf, toFailure } from '../errors/failure.js';
import { isPromise, type MaybePromise } from '../job/maybe-promise.js';
import type { PendingCall } from './pending-call.js';

/** What is said of jobs in the application's log. */
export class JobReporter {
  constructor(private readonly logger: Logger) {}

  /** A failure that somebody awaits is theirs to report. */
  failed(call: PendingCall, thrown: unknown): void {
    if (call.future.isAwaited) return;
    this.#error(`${describe(call)} failed`, thrown);
  }

  /** At the end of the application; one line for all of them. */
  handedBack(jobs: number): void {
    if (jobs === 0) return;
    this.logger.log(
      `${jobs === 1 ? 'One job that had' : `${jobs} jobs that had`} not begun will run at the next start, or in another process.`,
    );
  }

  refused(call: PendingCall, error: unknown): void {
    if (call.future.isAcceptanceAwaited) return;
    this.#error(`${describe(call)} was not accepted`, error);
  }

  trackerFailed(call: PendingCall, doing: string, error: unknown): void {
    this.#error(`${describe(call)}: the tracker could not ${doing}`, error);
  }

  /** Does what a job can do without: where the tracker fails at it, that is logged, and is no failure of the job. */
  unharmed(
    call: PendingCall,
    doing: string,
    work: () => MaybePromise<unknown>,
  ): Promise<unknown> | undefined {
    const report = (error: unknown): void => this.trackerFailed(call, doing, error);
    try {
      const working = work();
      return isPromise(working) ? working.catch(report) : undefined;
    } catch (error) {
      report(error);
      return undefined;
    }
  }

  /** Does a part of the shutdown. Where it fails, that is logged: the rest must be done all the same. */
  async closing(doing: string, work: () => MaybePromise<unknown>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#error(`Shutting down: could not ${doing}`, error);
    }
  }

  #error(what: string, error: unknown): void {
    try {
      this.logger.error(`${what}: ${toFailure(error).message}`, stacksOf(error));
    } catch {
      // The application's own logger may fail, and there is nobody left to tell: the jobs go on.
    }
  }
}

function describe({ id, definition }: PendingCall): string {
  return `Job ${definition.name} (${id})`;
}
