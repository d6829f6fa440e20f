import { defer, from, switchMap, throwError, type Observable } from 'rxjs';
import type { JobEngine } from '../engine/job-engine.js';
import { currentScope } from '../context/scope.js';
import { JobDeadlockError } from '../errors/deadlock.error.js';
import { toFailure } from '../errors/failure.js';
import { JobCancelledError, JobNotFoundError } from '../errors/job.errors.js';
import type { FutureHost } from '../future/job-future.js';
import { WaitNode } from '../future/wait-graph.js';
import { recordingOf } from '../future/watched-promise.js';
import type { Clock } from '../job/clock.js';
import { isJobId } from '../job/job-id.js';
import { toJob, type Job, type JobRecord } from '../job/job.js';
import type { JobEvent } from '../job/job-event.js';
import { isFinal } from '../job/state-machine.js';
import type { Interruptible, PendingCall } from '../run/pending-call.js';
import type { JobRunner } from '../run/job-runner.js';
import { errorOf } from '../run/shared-calls.js';
import { followJob, observeJob } from '../tracker/follow-job.js';
import type { JobTracker } from '../tracker/job-tracker.js';

export interface ControlParts {
  readonly tracker: JobTracker;
  readonly engine: JobEngine;
  readonly runner: JobRunner;
  readonly clock: Clock;
}

/** What can be done about a job from outside, by its id. */
export class JobControl implements FutureHost {
  constructor(private readonly parts: ControlParts) {}

  /** The job's record; `undefined` for an unknown one. A call made here is found from its first moment. */
  async peek(id: string): Promise<JobRecord | undefined> {
    // It may come from a URL: what is no id never reaches a database, which may refuse it by an error of its own.
    if (!isJobId(id)) return undefined;
    const { tracker, runner } = this.parts;
    await runner.pending(id)?.accepting;
    return tracker.find(id);
  }

  async find(id: string): Promise<Job> {
    return toJob(await this.record(id));
  }

  follow(id: string, options?: { after?: number }): Observable<JobEvent> {
    if (!isJobId(id)) return throwError(() => new JobNotFoundError(id));
    const following = observeJob(this.parts.tracker, id, options);
    const accepting = this.parts.runner.pending(id)?.accepting;
    return asWait(accepting ? from(accepting).pipe(switchMap(() => following)) : following);
  }

  /** The result of a job, once it is there: the very value or error where it ran here, else what the tracker kept. */
  async wait(id: string): Promise<unknown> {
    const pending = this.parts.runner.pending(id);
    if (pending) return outcomeFor(pending);
    const record = await this.#finishedElsewhere(id);
    if (record.state === 'completed') return record.result;
    const ended = this.parts.runner.ended.find(id);
    // Since then it may have run again in another process.
    if (ended?.attempts === record.attempt) return ended.future.result();
    throw errorOf(record);
  }

  cancel(id: string, reason?: unknown): Promise<boolean> {
    return recordingOf({ id }, this.#cancel(id, reason));
  }

  async #cancel(id: string, reason: unknown): Promise<boolean> {
    const held = this.#heldUnseen(id);
    return held ? this.#cancelHeld(held, reason) : this.#cancelSeen(id, reason);
  }

  async #cancelSeen(id: string, reason: unknown): Promise<boolean> {
    const { engine, runner } = this.parts;
    const record = await this.peek(id);
    if (!record || isFinal(record.state)) return false;
    const error = new JobCancelledError(id, record.name, reason);
    const call = runner.pending(id);
    if (call?.attempt) return this.#stop(call, call.attempt, error);
    if (call) call.end = error;
    if (!(await this.#recordCancel(error, call))) return false;
    // It may have been delivered meanwhile.
    call?.attempt?.interrupt(error);
    if (call) {
      runner.drop(call, error);
      runner.ended.keep(call);
    }
    await engine.discard(id);
    return true;
  }

  /** Where whoever waits for this holds the file, it is recorded when that is free: the job is over all the same. */
  async #recordCancel(error: JobCancelledError, call: PendingCall | undefined): Promise<boolean> {
    const { tracker, clock, runner } = this.parts;
    const change = { type: 'cancel', at: clock.now(), error: toFailure(error) } as const;
    try {
      return (await tracker.change(error.jobId, change)) !== undefined;
    } catch (refusal) {
      if (!call || !(refusal instanceof JobDeadlockError)) throw refusal;
      void runner.records.cancelled(call, error);
      return true;
    }
  }

  /** A call whose record nobody can read yet: it is in a transaction that is open. */
  #heldUnseen(id: string): PendingCall | undefined {
    const call = this.parts.tracker.durable ? this.parts.runner.pending(id) : undefined;
    return call?.future.isHeld ? call : undefined;
  }

  /** Its record is changed once it is committed. */
  #cancelHeld(call: PendingCall, reason: unknown): true {
    call.end = new JobCancelledError(call.id, call.name, reason);
    this.parts.runner.drop(call, call.end);
    return true;
  }

  /** Stops a running attempt, and waits until its end is recorded. It may have ended already, to be retried. */
  async #stop(
    call: PendingCall,
    attempt: Interruptible,
    error: JobCancelledError,
  ): Promise<boolean> {
    const isStopped = attempt.interrupt(error);
    await call.attemptEnd();
    return isStopped || this.#cancel(call.id, error.reason);
  }

  /** Of a job that runs in another process nothing is known but its record: whoever waits for it lends a slot, no more. */
  async #finishedElsewhere(id: string): Promise<JobRecord> {
    const scope = currentScope();
    const record = await this.record(id);
    if (isFinal(record.state)) return record;
    const node = new WaitNode(id, record.name);
    scope?.waits(node);
    return this.#finished(id).finally(() => node.end());
  }

  async #finished(id: string): Promise<JobRecord> {
    // Following ends with the job, whichever process runs it.
    for await (const event of followJob(this.parts.tracker, id, {
      after: Number.MAX_SAFE_INTEGER,
    })) {
      void event;
    }
    return this.record(id);
  }

  /** @throws JobNotFoundError */
  async record(id: string): Promise<JobRecord> {
    const record = await this.peek(id);
    if (!record) throw new JobNotFoundError(id);
    return record;
  }
}

/** A handler that follows a job is answered as one that awaits it. A job that does may go on meanwhile, and waits for nobody. */
function asWait<T>(following: Observable<T>): Observable<T> {
  return defer(() => {
    const scope = currentScope();
    if (scope?.kind === 'start') scope.waits(following);
    return following;
  });
}

/** The result of a job that is pending here. @throws JobDeadlockError */
function outcomeFor({ future }: PendingCall): Promise<unknown> {
  const refusal = future.refusalToWait();
  return refusal ? Promise.reject(refusal) : future.result();
}
