import { isPromise, type MaybePromise } from '../job/maybe-promise.js';
import { isFinal } from '../job/state-machine.js';
import type { Attempt } from './attempt.js';
import type { CallOutput } from './call-output.js';
import type { PendingCall } from './pending-call.js';
import { over, OVER, type Ran } from './ran.js';
import type { RecordKeeper, Started } from './record-keeper.js';
import type { RunnerSettings } from './runner-settings.js';
import type { Settlement } from './settlement.js';
import { whyNotStarted, type SharedCalls } from './shared-calls.js';

export interface StartParts {
  readonly settings: RunnerSettings;
  readonly records: RecordKeeper;
  readonly shared: SharedCalls;
  readonly output: CallOutput;
  readonly settlement: Settlement;
}

/** What comes before the method is called. */
export class AttemptStart {
  constructor(private readonly parts: StartParts) {}

  /** Its start is recorded, and there is a place for it; gives what came of it where there is nothing to run. */
  makeReady(attempt: Attempt): MaybePromise<Ran | undefined> {
    const starting = this.parts.records.start(attempt.call);
    if (isPromise(starting)) return starting.then((started) => this.#goOn(attempt, started));
    return this.#goOn(attempt, starting);
  }

  #goOn(attempt: Attempt, started: Started | undefined): MaybePromise<Ran | undefined> {
    const noting = this.#noteStart(attempt, started);
    if (isPromise(noting)) return noting.then((refusal) => refusal ?? this.#takePlace(attempt));
    return noting ?? this.#takePlace(attempt);
  }

  #takePlace(attempt: Attempt): MaybePromise<undefined> {
    const { call } = attempt;
    this.parts.shared.watch(call, true);
    const coming = call.place?.();
    return coming && attempt.takePlace(coming);
  }

  /** What came of it where there is nothing to run: the job was cancelled meanwhile, or its tracker lost it. */
  #noteStart(attempt: Attempt, started: Started | undefined): MaybePromise<Ran | undefined> {
    const { call } = attempt;
    if (!started) return this.#notStarted(call);
    const isResumed = started.attempt > call.attempts + 1;
    if (!isResumed) return attempt.starts(started);
    return this.parts.output.resume(call).then(() => attempt.starts(started));
  }

  async #notStarted(call: PendingCall): Promise<Ran> {
    const { settings, settlement } = this.parts;
    const { end } = call;
    const record = end ? undefined : await settings.tracker.find(call.id);
    if (record && settings.engine.distributed) {
      if (!isFinal(record.state)) return { outcome: OVER };
      return over(() => settlement.settleFrom(call, record));
    }
    return over(() => call.future.fail(end ?? whyNotStarted(call, record)));
  }
}
