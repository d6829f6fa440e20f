import { scopeOf } from '../context/scope.js';
import type { StandIn } from '../engine/job-engine.js';
import type { FutureHost, JobFuture } from '../future/job-future.js';
import type { JobOrigin } from '../job/job.js';
import type { JobRunner } from '../run/job-runner.js';
import type { PendingCall } from '../run/pending-call.js';
import type { JobTracker } from '../tracker/job-tracker.js';
import type { NewRecord } from './new-record.js';

export interface JoinedCallsParts {
  readonly tracker: JobTracker;
  readonly runner: JobRunner;
  readonly control: FutureHost & { wait(id: string): Promise<unknown> };
}

/** Calls that are the job of another call, since they have its unique key. */
export class JoinedCalls {
  constructor(private readonly parts: JoinedCallsParts) {}

  /** Another call of this process came first: a handler that has called it too shows that one's job. */
  join(first: PendingCall): JobFuture<unknown> {
    const scope = scopeOf(this.parts.runner.runtime);
    if (scope?.kind === 'start') scope.started(first.future, this.#share(first, scope.origin));
    return first.future;
  }

  /** A call that is refused at once is one that a handler made, too. */
  note({ future }: PendingCall): void {
    const scope = scopeOf(this.parts.runner.runtime);
    if (scope?.kind === 'start') scope.started(future);
  }

  /** Another process has a job of the same unique key. */
  async follow({ standIn }: StandIn, call: PendingCall, { origin }: NewRecord): Promise<void> {
    const { runner, control, tracker } = this.parts;
    const forgetting = runner.records.forget(call);
    runner.leave(call);
    call.future.standsFor(standIn);
    control.wait(standIn).then(
      (value) => call.future.fulfil(value),
      (error: unknown) => call.future.fail(error),
    );
    await forgetting;
    if (origin) await tracker.share?.(standIn, origin);
  }

  async #share(call: PendingCall, origin: JobOrigin): Promise<void> {
    await call.accepting;
    await this.parts.tracker.share?.(call.id, origin);
  }
}
