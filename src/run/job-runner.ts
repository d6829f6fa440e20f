import type { DeliveryDone, DeliveryOutcome, JobTicket } from '../engine/job-engine.js';
import type { WaitNode } from '../future/wait-graph.js';
import type { Clock } from '../job/clock.js';
import type { JobActivity, JobRecord } from '../job/job.js';
import type { OutputStream } from '../job/job-event.js';
import { chain, isPromise, type MaybePromise } from '../job/maybe-promise.js';
import { SharedDelay } from '../job/shared-delay.js';
import { isFinal, type JobChange } from '../job/state-machine.js';
import type { KeptJob } from '../tracker/job-keeper.js';
import type { JobTransactions } from '../transaction/job-transactions.js';
import { Attempt, type AttemptHost } from './attempt.js';
import { MOMENT } from './attempt-activity.js';
import { CallOutput } from './call-output.js';
import { concludeTransaction } from './conclude-transaction.js';
import type { EndedCalls } from './ended-calls.js';
import type { Outcome } from './outcome.js';
import { perform, startTimeout } from './perform.js';
import { again, leaving, over, OVER, type Ran } from './ran.js';
import { RecordKeeper, type Started } from './record-keeper.js';
import { PendingCall } from './pending-call.js';
import { Settlement } from './settlement.js';
import type { RunnerSettings } from './runner-settings.js';
import { SharedCalls, whyNotStarted } from './shared-calls.js';
import { completion, judge, leftOpen, nextRun, reschedule } from './verdict.js';

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
  /** By id, but for those that the keeper of the jobs has with them. */
  readonly #calls = new Map<string, PendingCall>();
  #kept = 0;
  readonly #records: RecordKeeper;
  readonly #shared: SharedCalls;
  readonly #output: CallOutput;
  readonly #settlement: Settlement;
  #delivered: PendingCall[] = [];
  #whenIdle: (() => void)[] = [];
  #closing = false;

  /** What failed or was cancelled, and may run again. */
  readonly ended: EndedCalls;

  constructor(private readonly settings: RunnerSettings) {
    this.#records = new RecordKeeper(settings.tracker, settings.clock);
    this.#output = new CallOutput(settings);
    this.#settlement = new Settlement(settings.ended, settings.reporter);
    this.#shared = new SharedCalls(settings, this);
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
    if (call.kept) this.#attendKept(call, call.kept);
    else this.#calls.set(call.id, call);
    this.#shared.watch(call);
  }

  /** The engine's way in: settles once the attempt is over. */
  deliver(ticket: JobTicket, place?: Promise<void>): Promise<DeliveryOutcome> {
    return new Promise((done) => this.start(ticket, (_ticket, outcome) => done(outcome), place));
  }

  /** The same with a callback. */
  start(ticket: JobTicket, over: DeliveryDone, place?: Promise<void>): void {
    const call = this.#callOf(ticket);
    // A queue that processes share may deliver a job once more while it runs.
    if (!call || call.isDelivered) return void NOW.then(() => over(ticket, OVER));
    call.deliver(ticket, over, place);
    // The engine has other calls to deliver, which must not overtake what the ones before do in their microtasks.
    if (this.#delivered.push(call) === 1) void NOW.then(this.#beginDelivered);
  }

  #callOf(ticket: JobTicket): PendingCall | undefined {
    if (!(ticket instanceof PendingCall)) return this.pending(ticket.id);
    return this.#isPending(ticket) ? ticket : undefined;
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
    return this.#calls.get(id) ?? callerOf(this.settings.keeper?.find(id));
  }

  /** Those that wait longest come first. */
  pendingCalls(): PendingCall[] {
    const kept = this.settings.keeper?.called() ?? [];
    return [...this.#calls.values(), ...kept.flatMap((job) => callerOf(job) ?? [])];
  }

  /** From now on what fails has failed: nothing will deliver another attempt. */
  close(): void {
    this.#closing = true;
  }

  /** Waits no longer for a tracker that does not answer. */
  hurry(): void {
    this.#records.close();
  }

  /** Fulfilled when no call is pending. */
  idle(): Promise<void> {
    if (this.#pending === 0) return Promise.resolve();
    return new Promise((resolve) => this.#whenIdle.push(resolve));
  }

  /** Ends a call of which nothing is running, nor will be. */
  drop(call: PendingCall, error: unknown): void {
    this.#forget(call);
    call.future.fail(error);
    this.#tellWhetherIdle();
  }

  /** Has nothing to do with the call any more. */
  leave(call: PendingCall): void {
    this.#forget(call);
    this.#tellWhetherIdle();
  }

  lend({ ticket }: PendingCall, awaited: WaitNode): () => void {
    return ticket ? this.settings.engine.lend(ticket, awaited.id) : () => {};
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
    const delivered = this.#delivered;
    this.#delivered = [];
    for (const call of delivered) call.inContext(this.#begin);
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
    this.#tellWhetherIdle();
  }

  /**
   * The life of an attempt: its start is recorded, the method runs, its end is recorded. Without `await`, and without a
   * function for each step, which cost even where there is nothing to wait for: with a tracker in memory there is nothing
   * but the method.
   */
  #run(attempt: Attempt): void {
    let ready: MaybePromise<Ran | undefined>;
    try {
      ready = this.#makeReady(attempt);
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
    attempt.stopTimeout = startTimeout(attempt, this.clock);
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

  /** Its start is recorded, and there is a place for it; gives what came of it where there is nothing to run. */
  #makeReady(attempt: Attempt): MaybePromise<Ran | undefined> {
    const starting = this.#recordStart(attempt);
    if (isPromise(starting)) return starting.then((refusal) => this.#takePlace(attempt, refusal));
    return this.#takePlace(attempt, starting);
  }

  #takePlace(attempt: Attempt, refusal: Ran | undefined): MaybePromise<Ran | undefined> {
    if (refusal) return refusal;
    const { call } = attempt;
    this.#shared.watch(call, true);
    return call.place ? attempt.takePlace(call.place).then(() => undefined) : undefined;
  }

  /** The method is over: its transaction is ended, and that is recorded. */
  #finish(attempt: Attempt, performed: Outcome): MaybePromise<Ran> {
    this.#vacate(attempt.call);
    return chain(this.#endTransaction(attempt, performed), (outcome) => {
      const change = this.#judge(attempt, outcome);
      const runAt = nextRun(attempt, change, this.#closing);
      return chain(this.#recordEnd(attempt, reschedule(change, runAt)), (isCommitted) => {
        if (runAt !== undefined && !isCommitted && !this.#closing) return again(runAt);
        const told = isCommitted ? performed : outcome;
        const settle = (): void => this.#settlement.settle(attempt, change, told);
        return isCommitted ? over(settle) : leaving(change, runAt, settle);
      });
    });
  }

  /** To record its end takes a while: meanwhile the next job can be made ready. */
  #vacate({ ticket }: PendingCall): void {
    const { tracker, engine } = this.settings;
    if (tracker.durable && ticket) engine.vacate?.(ticket);
  }

  /** The tracker failed, not the job: whoever awaits the job must not wait for ever, nor be told what is not known. */
  #leaveOpen({ call, number }: Attempt, error: unknown): Ran {
    const { reporter, clock } = this.settings;
    reporter.trackerFailed(call, 'record its state', error);
    const isPassing = this.#isPassing(call, error);
    if (isPassing && number === 0 && !this.#closing) return again(clock.now() + START_AGAIN);
    return over(() => call.future.fail(isPassing ? leftOpen(call, number) : error));
  }

  /** Whether the tracker is only away for now, and the job can be run from what it keeps. */
  #isPassing({ isRevivable }: PendingCall, error: unknown): boolean {
    return isRevivable && this.#records.isUnavailable(error);
  }

  /** What came of it where there is nothing to run: the job was cancelled meanwhile, or its tracker lost it. */
  #recordStart(attempt: Attempt): MaybePromise<Ran | undefined> {
    const { call } = attempt;
    const started = this.#records.start(call);
    if (isPromise(started)) return started.then((record) => this.#noteStart(attempt, record));
    return this.#noteStart(attempt, started);
  }

  #noteStart(attempt: Attempt, started: Started | undefined): MaybePromise<Ran | undefined> {
    const { call } = attempt;
    if (!started) return this.#notStarted(call);
    const isResumed = started.attempt > call.attempts + 1;
    if (!isResumed) return attempt.starts(started);
    return this.#output.resume(call).then(() => attempt.starts(started));
  }

  async #notStarted(call: PendingCall): Promise<Ran> {
    const { end } = call;
    const record = end ? undefined : await this.settings.tracker.find(call.id);
    if (record && this.settings.engine.distributed) {
      if (!isFinal(record.state)) return { outcome: OVER };
      return over(() => this.#settlement.settleFrom(call, record));
    }
    return over(() => call.future.fail(end ?? whyNotStarted(call, record)));
  }

  #endTransaction(attempt: Attempt, outcome: Outcome): MaybePromise<Outcome> {
    const { concludes } = attempt;
    if (!concludes) return outcome;
    return concludeTransaction(attempt, concludes, outcome, this.settings.tracker, (value) =>
      completion(value, this.settings.clock.now()),
    );
  }

  #judge(attempt: Attempt, outcome: Outcome): JobChange {
    const { clock, maxStalledCount } = this.settings;
    return judge(attempt, outcome, clock.now(), maxStalledCount);
  }

  /** Tells whether the job turned out to be completed, where that was not known. */
  #recordEnd(attempt: Attempt, change: JobChange): MaybePromise<boolean> {
    if (attempt.recorded) return false;
    const ended = chain(this.#records.end(attempt, change), (found) => {
      attempt.recorded = found;
      return found !== undefined;
    });
    return isPromise(ended)
      ? ended.catch((error: unknown) => this.#endNotRecorded(attempt, change, error))
      : ended;
  }

  /** @throws the error, where nothing comes before it */
  #endNotRecorded(attempt: Attempt, change: JobChange, error: unknown): boolean {
    const { call } = attempt;
    if (this.#isPassing(call, error)) this.#recordEndLater(attempt, change);
    // What the job threw comes first: whoever awaits it must not be told of the tracker instead.
    else if (change.type === 'fail' || change.type === 'cancel') {
      this.settings.reporter.trackerFailed(call, 'record its end', error);
      return false;
    }
    throw error;
  }

  #recordEndLater(attempt: Attempt, change: JobChange): void {
    const { reporter } = this.settings;
    void this.#records
      .endSomeTime(attempt, change)
      .catch((error: unknown) => reporter.trackerFailed(attempt.call, 'record its end', error));
  }

  /** A call that waits has ended in another process. */
  endedElsewhere(call: PendingCall, record: JobRecord): void {
    this.#forget(call);
    this.#settlement.settleFrom(call, record);
    this.#tellWhetherIdle();
  }

  #attendKept(call: PendingCall, job: KeptJob): void {
    if (!job.caller) this.#kept += 1;
    job.caller = call;
  }

  #isPending(call: PendingCall): boolean {
    return call.kept ? call.kept.caller === call : this.#calls.get(call.id) === call;
  }

  get #pending(): number {
    return this.#calls.size + this.#kept;
  }

  #forget(call: PendingCall): void {
    if (!call.kept) this.#calls.delete(call.id);
    else if (this.#isPending(call)) {
      call.kept.caller = undefined;
      this.#kept -= 1;
    }
    this.#shared.leave(call);
    call.future.conclude();
  }

  #tellWhetherIdle(): void {
    if (this.#pending > 0) return;
    this.#whenIdle.forEach((resolve) => resolve());
    this.#whenIdle = [];
  }
}

function callerOf(job: KeptJob | undefined): PendingCall | undefined {
  return job?.caller as PendingCall | undefined;
}
