import type { DeliveryDone, DeliveryOutcome, JobTicket, TakePlace } from '../engine/job-engine.js';
import { JobDeadlockError } from '../errors/deadlock.error.js';
import type { Clock } from '../job/clock.js';
import type { JobActivity, JobRecord } from '../job/job.js';
import type { OutputStream } from '../job/job-event.js';
import { chain, isPromise, type MaybePromise } from '../job/maybe-promise.js';
import { SharedDelay } from '../job/shared-delay.js';
import type { JobChange } from '../job/state-machine.js';
import type { JobTransactions } from '../transaction/job-transactions.js';
import { Attempt, type AttemptHost } from './attempt.js';
import { AttemptStart } from './attempt-start.js';
import { MOMENT } from './attempt-activity.js';
import { CallOutput } from './call-output.js';
import { concludeTransaction } from './conclude-transaction.js';
import type { EndedCalls } from './ended-calls.js';
import type { Outcome } from './outcome.js';
import { perform } from './perform.js';
import { again, leaving, over, OVER, type Ran } from './ran.js';
import { RecordKeeper } from './record-keeper.js';
import type { PendingCall } from './pending-call.js';
import { PendingCalls } from './pending-calls.js';
import { Settlement } from './settlement.js';
import type { RunnerSettings } from './runner-settings.js';
import { SharedCalls } from './shared-calls.js';
import { Slots } from './slots.js';
import { completion, failure, judge, leftOpen, nextRun, reschedule } from './verdict.js';

const NOW = Promise.resolve();

/** Before a job is tried again whose start could not be recorded; in ms. */
const START_AGAIN = 1_000;

/** Runs jobs, attempt by attempt: the only caller of user code. Writes only to the tracker. */
export class JobRunner implements AttemptHost {
  readonly runtime: object;
  readonly clock: Clock;
  readonly capturesConsole: boolean;
  readonly echoesConsole: boolean;
  readonly transactions: JobTransactions;
  readonly moment: SharedDelay;
  readonly slots: Slots;
  readonly #calls: PendingCalls;
  readonly #shared: SharedCalls;
  readonly #output: CallOutput;
  readonly #settlement: Settlement;
  readonly #start: AttemptStart;
  readonly #delivered: PendingCall[] = [];
  #closing = false;

  /** What failed or was cancelled, and may run again. */
  readonly ended: EndedCalls;

  /** Has records changed, also where the tracker is away for a while. */
  readonly records: RecordKeeper;

  constructor(private readonly settings: RunnerSettings) {
    this.#calls = new PendingCalls(settings.keeper);
    this.slots = new Slots(settings.engine, this.#calls);
    this.records = new RecordKeeper(settings);
    this.#output = new CallOutput(settings);
    this.#settlement = new Settlement(settings.ended, settings.reporter);
    this.#shared = new SharedCalls(settings, this);
    this.#start = new AttemptStart({
      ...{ settings, records: this.records, shared: this.#shared },
      ...{ output: this.#output, settlement: this.#settlement },
    });
    this.ended = settings.ended;
    this.runtime = settings.runtime;
    this.clock = settings.clock;
    this.moment = new SharedDelay(settings.clock, MOMENT);
    this.capturesConsole = settings.capturesConsole;
    this.echoesConsole = settings.echoesConsole;
    this.transactions = settings.transactions;
  }

  /** Takes on a call. */
  attend(call: PendingCall): void {
    this.#calls.add(call);
    this.#shared.watch(call);
  }

  /** The engine's way in: settles once the attempt is over. */
  deliver(ticket: JobTicket, place?: TakePlace): Promise<DeliveryOutcome> {
    return new Promise((done) => this.start(ticket, (_ticket, outcome) => done(outcome), place));
  }

  /** The same with a callback. */
  start(ticket: JobTicket, over: DeliveryDone, place?: TakePlace): void {
    const call = this.#calls.of(ticket);
    // A queue that processes share may deliver a job once more while it runs.
    if (!call || call.isDelivered) return void NOW.then(() => over(ticket, OVER));
    call.deliver(ticket, over, place);
    // The engine has other calls to deliver, which must not overtake what the ones before do in their microtasks.
    if (this.#delivered.push(call) === 1) void NOW.then(this.#beginDelivered);
  }

  /** The time of a delayed job has come: it waits for a slot now. */
  ready(id: string): void {
    const { tracker, reporter, clock } = this.settings;
    const call = this.pending(id);
    if (!call) return;
    void reporter.unharmed(call, 'store that it is queued', () =>
      tracker.change(id, { type: 'enqueue', at: clock.now() }),
    );
  }

  /** A call that is not over. */
  pending(id: string): PendingCall | undefined {
    return this.#calls.find(id);
  }

  /** Those that wait longest come first. */
  pendingCalls(): PendingCall[] {
    return this.#calls.all();
  }

  /** From now on what fails has failed: nothing will deliver another attempt. */
  close(): void {
    this.#closing = true;
  }

  /** Waits no longer for a tracker that does not answer. */
  hurry(): void {
    this.records.close();
  }

  /** Fulfilled when no call is pending. */
  idle(): Promise<void> {
    return this.#calls.none();
  }

  /** Ends a call of which nothing is running, nor will be. */
  drop(call: PendingCall, error: unknown): void {
    this.#forget(call);
    call.future.fail(error);
    this.#calls.tellIfNone();
  }

  /** Has nothing to do with the call any more. */
  leave(call: PendingCall): void {
    this.#forget(call);
    this.#calls.tellIfNone();
  }

  write(call: PendingCall, text: string, stream: OutputStream, attempt?: number): void {
    this.#output.write(call, text, stream, attempt);
  }

  setProgress(call: PendingCall, attempt: number, value: number, data: unknown): void {
    this.#output.setProgress(call, attempt, value, data);
  }

  setActivity(call: PendingCall, attempt: number, activity: JobActivity): void {
    this.#output.setActivity(call, attempt, activity);
  }

  /** All that were delivered meanwhile, each in the context of its caller. */
  readonly #beginDelivered = (): void => {
    for (const call of this.#delivered.splice(0)) call.inContext(this.#begin);
  };

  readonly #begin = (call: PendingCall): void => {
    const attempt = new Attempt(call, this);
    call.beginAttempt(attempt);
    this.#run(attempt);
  };

  #conclude(attempt: Attempt, { outcome, settle }: Ran): void {
    const { call } = attempt;
    attempt.close();
    call.endAttempt();
    if (settle) return this.#end(call, outcome, settle);
    call.release(outcome);
  }

  /** The slot is free before anybody is told of the end: whoever goes on then may start the next job. */
  #end(call: PendingCall, outcome: DeliveryOutcome, settle: () => void): void {
    this.#forget(call);
    call.release(outcome);
    settle();
    this.#calls.tellIfNone();
  }

  /**
   * The life of an attempt: its start is recorded, the method runs, its end is recorded. Without `await`, and without a
   * function for each step, which cost even where there is nothing to wait for: with a tracker in memory there is nothing
   * but the method.
   */
  #run(attempt: Attempt): void {
    let ready: MaybePromise<Ran | undefined>;
    try {
      ready = this.#start.makeReady(attempt);
    } catch (error) {
      return this.#fail(attempt, error);
    }
    if (!isPromise(ready)) return this.#perform(attempt, ready);
    void ready.then(
      (refusal) => this.#perform(attempt, refusal),
      (error: unknown) => this.#fail(attempt, error),
    );
  }

  #perform(attempt: Attempt, refusal: Ran | undefined): void {
    if (refusal) return this.#conclude(attempt, refusal);
    perform(attempt, this.settings.threads);
  }

  /** The method is over, or was interrupted. */
  performed(attempt: Attempt, performed: Outcome): void {
    attempt.close();
    attempt.stopTimeout?.();
    let ending: MaybePromise<Ran>;
    try {
      ending = this.#finish(attempt, performed);
    } catch (error) {
      return this.#fail(attempt, error);
    }
    if (!isPromise(ending)) return this.#conclude(attempt, ending);
    void ending.then(
      (ran) => this.#conclude(attempt, ran),
      (error: unknown) => this.#fail(attempt, error),
    );
  }

  #fail(attempt: Attempt, error: unknown): void {
    this.#conclude(attempt, this.#leaveOpen(attempt, error));
  }

  /** The method is over: its transaction is ended, and that is recorded. */
  #finish(attempt: Attempt, performed: Outcome): MaybePromise<Ran> {
    const { tracker, engine } = this.settings;
    const { ticket } = attempt.call;
    // To record its end takes a while: meanwhile the next job can be made ready.
    if (tracker.durable && ticket) engine.vacate?.(ticket);
    return chain(this.#endTransaction(attempt, performed), (outcome) => {
      const change = judge(attempt, outcome, this.clock.now(), this.settings.maxStalledCount);
      const runAt = nextRun(attempt, change, this.#closing);
      return chain(this.#recordEnd(attempt, reschedule(change, runAt)), (isCommitted) => {
        if (runAt !== undefined && !isCommitted && !this.#closing) return again(runAt);
        const told = isCommitted ? performed : outcome;
        const settle = (): void => this.#settlement.settle(attempt, change, told);
        return isCommitted ? over(settle) : leaving(change, runAt, settle);
      });
    });
  }

  /** The tracker failed, not the job: whoever awaits the job must not wait for ever, nor be told what is not known. */
  #leaveOpen(attempt: Attempt, error: unknown): Ran {
    const { call, number } = attempt;
    const { reporter, clock } = this.settings;
    reporter.trackerFailed(call, 'record its state', error);
    // Its record can be written when whoever waits for it has heard of that, and ends.
    if (error instanceof JobDeadlockError)
      this.records.endLater(attempt, failure(error, clock.now()));
    const isPassing = this.#isPassing(call, error);
    if (isPassing && number === 0 && !this.#closing) return again(clock.now() + START_AGAIN);
    return over(() => call.future.fail(isPassing ? leftOpen(call, number) : error));
  }

  /** Whether the tracker is only away for now, and the job can be run from what it keeps. */
  #isPassing({ isRevivable }: PendingCall, error: unknown): boolean {
    return isRevivable && this.records.isUnavailable(error);
  }

  #endTransaction(attempt: Attempt, outcome: Outcome): MaybePromise<Outcome> {
    const { concludes } = attempt;
    if (!concludes) return outcome;
    return concludeTransaction(attempt, concludes, outcome, this.settings.tracker, (value) =>
      completion(value, this.settings.clock.now()),
    );
  }

  /** Tells whether the job turned out to be completed, where that was not known. */
  #recordEnd(attempt: Attempt, change: JobChange): MaybePromise<boolean> {
    if (attempt.recorded) return false;
    const ended = chain(this.records.end(attempt, change), (found) => {
      attempt.recorded = found;
      return found !== undefined;
    });
    return isPromise(ended)
      ? ended.catch((error: unknown) => this.#endNotRecorded(attempt, change, error))
      : ended;
  }

  /** @throws the error, where nothing comes before it */
  #endNotRecorded(attempt: Attempt, change: JobChange, error: unknown): MaybePromise<boolean> {
    const { call } = attempt;
    if (error instanceof JobDeadlockError) {
      // Who waits for it holds the file: it is over, and told so, and recorded when the file is free.
      this.records.endLater(attempt, change);
      return false;
    }
    if (this.#isPassing(call, error)) this.records.endLater(attempt, change);
    // What the job threw comes first: whoever awaits it must not be told of the tracker instead.
    else if (change.type === 'fail' || change.type === 'cancel') {
      this.settings.reporter.trackerFailed(call, 'record its end', error);
      return false;
    } else if (change.type === 'complete')
      return this.records.endAsFailed(attempt, change.at, error);
    throw error;
  }

  /** A call that waits has ended in another process. */
  endedElsewhere(call: PendingCall, record: JobRecord): void {
    this.#forget(call);
    this.#settlement.settleFrom(call, record);
    this.#calls.tellIfNone();
  }

  #forget(call: PendingCall): void {
    this.#calls.delete(call);
    this.#shared.leave(call);
    call.future.conclude();
  }
}
