import { JobTimeoutError } from '../errors/job.errors.js';
import { Timeout } from '../future/timeout.js';
import type { JobRecord } from '../job/job.js';
import type { JobChange } from '../job/state-machine.js';
import type { Attempt } from './attempt.js';
import type { Outcome } from './outcome.js';
import type { EndedCalls } from './ended-calls.js';
import type { JobReporter } from './job-reporter.js';
import type { PendingCall } from './pending-call.js';
import { cancelledElsewhere, errorOf } from './shared-calls.js';

/** Tells futures what their jobs came to. */
export class Settlement {
  constructor(
    private readonly ended: EndedCalls,
    private readonly reporter: JobReporter,
  ) {}

  /** After an attempt in this process. */
  settle(attempt: Attempt, change: JobChange, outcome: Outcome): void {
    const { call, elsewhere } = attempt;
    if (elsewhere?.state === 'cancelled') {
      this.ended.keep(call);
      return call.future.fail(cancelledElsewhere(elsewhere));
    }
    if ('value' in outcome) return call.future.fulfil(outcome.value);
    const { thrown } = outcome;
    this.ended.keep(call);
    if (change.type === 'fail') this.reporter.failed(call, thrown);
    const timedOut = attempt.wasEndedBy(JobTimeoutError, thrown);
    if (timedOut && call.definition.onTimeout === 'value') return call.future.fulfil(Timeout);
    call.future.fail(thrown);
  }

  /** From the record of a job that has ended in another process, which has reported it. */
  settleFrom(call: PendingCall, record: JobRecord): void {
    const { future, definition } = call;
    if (record.state === 'completed') return future.fulfil(record.result);
    this.ended.keep(call);
    const isTimeout = record.error?.name === 'JobTimeoutError';
    if (isTimeout && definition.onTimeout === 'value') return future.fulfil(Timeout);
    future.fail(errorOf(record));
  }
}
