import type { JobEngine, JobTicket } from '../engine/job-engine.js';
import { toFailure } from '../errors/failure.js';
import { HAND_OVER, isPipelined } from '../future/hand-over.js';
import type { Clock } from '../job/clock.js';
import type { JobReporter } from '../run/job-reporter.js';
import type { JobRunner } from '../run/job-runner.js';
import type { PendingCall } from '../run/pending-call.js';
import type { JobTracker } from '../tracker/job-tracker.js';

export interface PipelineParts {
  readonly tracker: JobTracker;
  readonly engine: JobEngine;
  readonly runner: JobRunner;
  readonly reporter: JobReporter;
  readonly clock: Clock;
}

const NOTHING = Promise.resolve();

/** Calls whose arguments are results of other jobs: each is queued when they are there, and nobody waits meanwhile. */
export class ArgumentPipeline {
  constructor(private readonly parts: PipelineParts) {}

  /** Returns at once. A failed argument fails the call with its error. */
  queueWhenResolved(call: PendingCall, ticket: () => JobTicket): void {
    const { reporter } = this.parts;
    this.#resolve(call)
      .then(
        (args) => this.#queue(call, ticket, args),
        (error: unknown) => this.#fail(call, error),
      )
      .catch((error: unknown) => reporter.trackerFailed(call, 'record its state', error));
  }

  #resolve({ args, future }: PendingCall): Promise<unknown[]> {
    return Promise.all(
      args.map((arg) => (isPipelined(arg) ? arg[HAND_OVER](future.node) : NOTHING)),
    ).then((values) => args.map((arg, index) => (isPipelined(arg) ? values[index] : arg)));
  }

  async #queue(call: PendingCall, ticketOf: () => JobTicket, args: unknown[]): Promise<void> {
    if (this.#isGone(call)) return;
    call.args = args;
    try {
      const ticket = ticketOf();
      await this.#markQueued(ticket);
      await this.parts.engine.enqueue(ticket);
    } catch (error) {
      await this.#fail(call, error);
    }
  }

  /** Before it is queued, since the engine may deliver it at once; of a job that is not due the engine tells later. */
  async #markQueued({ id, runAt }: JobTicket): Promise<void> {
    const { tracker, clock } = this.parts;
    const now = clock.now();
    if ((runAt ?? 0) <= now) await tracker.change(id, { type: 'enqueue', at: now });
  }

  async #fail(call: PendingCall, error: unknown): Promise<void> {
    const { tracker, runner, reporter, clock } = this.parts;
    if (this.#isGone(call)) return;
    await tracker.change(call.id, { type: 'fail', at: clock.now(), error: toFailure(error) });
    reporter.failed(call, error);
    runner.drop(call, error);
    runner.ended.keep(call);
  }

  /** Cancelled, or given up at shutdown. */
  #isGone(call: PendingCall): boolean {
    return this.parts.runner.pending(call.id) !== call;
  }
}
