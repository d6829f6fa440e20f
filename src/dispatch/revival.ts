import type { JobEngine } from '../engine/job-engine.js';
import { JobInterruptedError } from '../errors/job.errors.js';
import { JobFuture, type FutureHost } from '../future/job-future.js';
import type { JobRecord } from '../job/job.js';
import type { OutputPage } from '../output/output-chunk.js';
import type { JobDefinition } from '../registry/job-definition.js';
import type { JobRunner } from '../run/job-runner.js';
import { PendingCall } from '../run/pending-call.js';
import { apartFromOthers, ticketOf } from './ticket.js';

export interface RevivalParts {
  readonly engine: JobEngine;
  readonly runner: JobRunner;
  readonly control: FutureHost;
}

/** A stored job, as it is to be run here. */
export interface StoredJob {
  readonly definition: JobDefinition;
  readonly target: unknown;
  readonly args: readonly unknown[];
  readonly record: JobRecord;
  /** What its earlier attempts printed, and what was printed before its call. */
  readonly printed: OutputPage | undefined;
}

/** Jobs that were called in another process, or before this one began; each runs in the async context it is taken in. */
export class Revival {
  #closed = false;

  constructor(private readonly parts: RevivalParts) {}

  close(): void {
    this.#closed = true;
  }

  /** Has a stored job run again. Rejected where it cannot be queued. */
  async revive(job: StoredJob): Promise<void> {
    const { runner, engine } = this.parts;
    const { record } = job;
    if (this.#closed) throw new JobInterruptedError(record.id, record.name, 'before it began');
    const call = this.#attend(job);
    try {
      // It was accepted once: no limit applies to it.
      const ticket = apartFromOthers(ticketOf(call, record), record);
      const again = { isAccepted: true, isAgain: true };
      await engine.enqueue({ ...ticket, runAt: record.runAt, ...again });
    } catch (error) {
      runner.drop(call, error);
      throw error;
    }
  }

  /** Has a job run that the engine has delivered here. */
  async adopt(job: StoredJob): Promise<void> {
    if (!this.#closed && !this.parts.runner.pending(job.record.id)) this.#attend(job);
    return Promise.resolve();
  }

  #attend({ definition, target, args, record, printed }: StoredJob): PendingCall {
    const { runner, control } = this.parts;
    const future = JobFuture.of<unknown>(control, record, definition.name);
    const call = new PendingCall(future, definition, target, args, true);
    call.printed = printed;
    call.attempts = record.attempt;
    runner.attend(call);
    return call;
  }
}
