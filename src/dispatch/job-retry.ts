import type { JobEngine, JobTicket } from '../engine/job-engine.js';
import { toFailure } from '../errors/failure.js';
import { isPipelined } from '../future/hand-over.js';
import { JobFuture, type FutureHost } from '../future/job-future.js';
import type { Clock } from '../job/clock.js';
import type { JobRecord } from '../job/job.js';
import type { JobRunner } from '../run/job-runner.js';
import { PendingCall } from '../run/pending-call.js';
import type { JobTracker } from '../tracker/job-tracker.js';
import type { ArgumentPipeline } from './argument-pipeline.js';
import { ticketOf } from './ticket.js';
import type { UniqueCalls } from './unique-calls.js';

export interface RetryParts {
  readonly tracker: JobTracker;
  readonly engine: JobEngine;
  readonly runner: JobRunner;
  readonly control: FutureHost;
  readonly clock: Clock;
}

/** Runs jobs again that have failed or were cancelled, because somebody says so. */
export class JobRetry {
  constructor(
    private readonly parts: RetryParts,
    private readonly pipeline: ArgumentPipeline,
    private readonly unique: UniqueCalls,
  ) {}

  /** False where there is nothing to run again. @throws QueueFullError */
  async retry(id: string): Promise<boolean> {
    const { runner } = this.parts;
    const ended = runner.ended.take(id);
    const record = ended && (await this.#record(ended));
    if (!ended || !record) return false;
    const call = this.#again(ended, record.attempt);
    runner.attend(call);
    try {
      if (call.definition.unique) this.unique.firstLike(call);
      // At once: whoever asks for it now does not ask for its delay.
      await this.#queue(call, () => ({ ...ticketOf(call, record), runAt: undefined }));
    } catch (error) {
      await this.#giveUp(call, error);
      throw error;
    }
    return true;
  }

  async #record(ended: PendingCall): Promise<JobRecord | undefined> {
    const { tracker, runner, clock } = this.parts;
    try {
      return await tracker.change(ended.id, { type: 'retry', at: clock.now() });
    } catch (error) {
      // It may be asked for once more.
      runner.ended.keep(ended);
      throw error;
    }
  }

  /** The same call with a future of its own: that of the first end is settled for good. */
  #again(ended: PendingCall, attempts: number): PendingCall {
    const { kept, definition, target, args, output, isRevivable } = ended;
    const key = kept ?? { id: ended.id };
    const future = JobFuture.of<unknown>(this.parts.control, key, definition.name);
    const call = new PendingCall(future, definition, target, args, isRevivable);
    call.kept = kept;
    call.attempts = attempts;
    call.output = output;
    return call;
  }

  async #queue(call: PendingCall, ticket: () => JobTicket): Promise<void> {
    if (call.args.some(isPipelined)) return this.pipeline.queueWhenResolved(call, ticket);
    const { uniqueKey, ...free } = ticket();
    const { engine } = this.parts;
    const standIn = uniqueKey !== undefined && (await engine.enqueue({ ...free, uniqueKey }));
    // Where another has its key meanwhile, it runs beside that: it is the one that was asked for.
    if (uniqueKey === undefined || standIn) await engine.enqueue(free);
  }

  async #giveUp(call: PendingCall, error: unknown): Promise<void> {
    const { tracker, runner, clock } = this.parts;
    await tracker.change(call.id, { type: 'fail', at: clock.now(), error: toFailure(error) });
    runner.drop(call, error);
    runner.ended.keep(call);
  }
}
