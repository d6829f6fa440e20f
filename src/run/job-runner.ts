import { runInScope } from '../context/scope.js';
import type { DeliveryOutcome, JobEngine, JobTicket } from '../engine/job-engine.js';
import type { ThreadPool } from '../engine/thread-pool.js';
import { toFailure } from '../errors/failure.js';
import {
  JobCancelledError,
  JobInterruptedError,
  JobNotFoundError,
  JobTimeoutError,
} from '../errors/job.errors.js';
import type { WaitNode } from '../future/wait-graph.js';
import { Timeout } from '../future/timeout.js';
import type { Clock } from '../job/clock.js';
import type { OutputStream } from '../job/job-event.js';
import { plainJson } from '../job/plain-json.js';
import type { JobChange } from '../job/state-machine.js';
import { OutputWriter } from '../output/output-writer.js';
import { retryDelay } from '../registry/job-definition.js';
import type { JobTracker } from '../tracker/job-tracker.js';
import type { JobTransactions } from '../transaction/job-transactions.js';
import { Attempt, type AttemptHost } from './attempt.js';
import { concludeTransaction, type Outcome } from './conclude-transaction.js';
import type { EndedCalls } from './ended-calls.js';
import { runInThread } from './thread-call.js';
import type { JobReporter } from './job-reporter.js';
import type { PendingCall } from './pending-call.js';

export interface RunnerSettings {
  readonly runtime: object;
  readonly tracker: JobTracker;
  readonly engine: Pick<JobEngine, 'lend'>;
  readonly clock: Clock;
  readonly reporter: JobReporter;
  readonly ended: EndedCalls;
  readonly threads: ThreadPool | undefined;
  readonly maxBytes: number;
  readonly capturesConsole: boolean;
  readonly echoesConsole: boolean;
  readonly transactions: JobTransactions;
}

const OVER: DeliveryOutcome = {};

/** Runs jobs, attempt by attempt: the only caller of user code. Writes only to the tracker. */
export class JobRunner implements AttemptHost {
  readonly runtime: object;
  readonly clock: Clock;
  readonly capturesConsole: boolean;
  readonly echoesConsole: boolean;
  readonly transactions: JobTransactions;
  readonly #calls = new Map<string, PendingCall>();
  #whenIdle: (() => void)[] = [];
  #closing = false;

  /** What failed or was cancelled, and may run again. */
  readonly ended: EndedCalls;

  constructor(private readonly settings: RunnerSettings) {
    this.ended = settings.ended;
    this.runtime = settings.runtime;
    this.clock = settings.clock;
    this.capturesConsole = settings.capturesConsole;
    this.echoesConsole = settings.echoesConsole;
    this.transactions = settings.transactions;
  }

  /**
   * Takes on a call, in the async context of the caller. The function that waits for its delivery is begun here,
   * so the job runs in that context (CLS, tracing) at no cost, where a snapshot takes microseconds.
   */
  attend(call: PendingCall): void {
    this.#calls.set(call.id, call);
    void this.#serve(call);
  }

  /** The engine's way in: settles once the attempt is over. */
  deliver(ticket: JobTicket): Promise<DeliveryOutcome> {
    const call = this.#calls.get(ticket.id);
    return call ? new Promise((done) => call.deliver(ticket, done)) : Promise.resolve(OVER);
  }

  /** The time of a delayed job has come: it waits for a slot now. */
  ready(id: string): void {
    const { tracker, reporter, clock } = this.settings;
    const call = this.#calls.get(id);
    if (!call) return;
    void reporter.unharmed(call, 'store that it is queued', () =>
      tracker.change(id, { type: 'enqueue', at: clock.now() }),
    );
  }

  /** A call that is not over. */
  pending(id: string): PendingCall | undefined {
    return this.#calls.get(id);
  }

  pendingCalls(): PendingCall[] {
    return [...this.#calls.values()];
  }

  /** From now on what fails has failed: nothing will deliver another attempt. */
  close(): void {
    this.#closing = true;
  }

  /** Fulfilled when no call is pending. */
  idle(): Promise<void> {
    if (this.#calls.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#whenIdle.push(resolve));
  }

  /** Ends a call of which nothing is running, nor will be. */
  drop(call: PendingCall, error: unknown): void {
    this.#forget(call);
    call.settler.reject(error);
  }

  lend({ ticket }: PendingCall, awaited: WaitNode): () => void {
    return ticket ? this.settings.engine.lend(ticket, awaited.id) : () => {};
  }

  write(call: PendingCall, text: string, stream: OutputStream, attempt?: number): void {
    call.output ??= this.#outputOf(call);
    call.output.write(text, stream, attempt);
  }

  #outputOf(call: PendingCall): OutputWriter {
    const { tracker, reporter, maxBytes } = this.settings;
    const writer = new OutputWriter(maxBytes, (output) => {
      void reporter.unharmed(call, 'store output', () =>
        tracker.append(call.id, output, call.attempt?.number),
      );
    });
    if (call.printed) writer.resume(call.printed);
    return writer;
  }

  setProgress(call: PendingCall, attempt: number, value: number, data: unknown): void {
    const { tracker, reporter } = this.settings;
    const progress = { value, data: plainJson(data) ?? null };
    void reporter.unharmed(call, 'store progress', () =>
      tracker.setProgress(call.id, attempt, progress),
    );
  }

  async #serve(call: PendingCall): Promise<void> {
    for (;;) {
      const done = await call.delivery();
      const outcome = await this.#run(call);
      if (outcome.again) call.awaitDelivery();
      else this.#forget(call);
      done(outcome);
      if (!outcome.again) return;
    }
  }

  /** The life of an attempt, step by step. */
  async #run(call: PendingCall): Promise<DeliveryOutcome> {
    const attempt = new Attempt(call, this);
    call.beginAttempt(attempt);
    try {
      if (!(await this.#recordStart(attempt))) return OVER;
      const stopTimeout = this.#startTimeout(attempt);
      const performed = await this.#perform(attempt);
      stopTimeout?.();
      const outcome = await this.#endTransaction(attempt, performed);
      const change = this.#judge(attempt, outcome);
      const runAt = this.#nextRun(attempt, change);
      await this.#recordEnd(attempt, runAt === undefined ? change : reschedule(change, runAt));
      if (runAt !== undefined && !this.#closing) return { again: { runAt } };
      this.#settle(attempt, change, outcome);
    } catch (error) {
      // The tracker failed, not the job: whoever awaits the job must not wait for ever.
      this.settings.reporter.trackerFailed(call, 'record its state', error);
      call.settler.reject(error);
    } finally {
      attempt.close();
      call.endAttempt();
    }
    return OVER;
  }

  /** False where there is nothing to run: the job was cancelled meanwhile, or its tracker lost it. */
  async #recordStart(attempt: Attempt): Promise<boolean> {
    const { tracker, clock } = this.settings;
    const { call } = attempt;
    const { id, settler } = call;
    const started = await tracker.change(id, { type: 'start', at: clock.now() });
    if (!started) settler.reject(call.end ?? new JobNotFoundError(id));
    attempt.number = started?.attempt ?? 0;
    return started !== undefined;
  }

  #startTimeout(attempt: Attempt): (() => void) | undefined {
    const { id, definition } = attempt.call;
    const { name, timeout } = definition;
    if (timeout === undefined) return undefined;
    const timedOut = (): unknown => attempt.interrupt(new JobTimeoutError(id, name, timeout));
    // Keeps the process alive as the job should, even if nothing else is left that it could wait for.
    return this.settings.clock.after(timeout, timedOut, true);
  }

  /** The user's code, in the scope of its job. Its output ends where its outcome is known. */
  async #perform(attempt: Attempt): Promise<Outcome> {
    const { definition, target, args } = attempt.call;
    const { threads } = this.settings;
    const { transaction } = attempt;
    // Async, so that what the method throws before its first await is a rejection too.
    // eslint-disable-next-line @typescript-eslint/require-await
    const method = async (): Promise<unknown> => definition.method.apply(target, args as never[]);
    try {
      const run = (): Promise<unknown> =>
        definition.thread && threads
          ? runInThread(threads, attempt, definition.thread)
          : runInScope(attempt, method, transaction);
      return { value: await attempt.outcomeOf(run) };
    } catch (thrown) {
      return { thrown };
    } finally {
      attempt.close();
    }
  }

  async #endTransaction(attempt: Attempt, outcome: Outcome): Promise<Outcome> {
    if (!attempt.transaction) return outcome;
    return concludeTransaction(
      attempt,
      attempt.transaction,
      outcome,
      this.settings.tracker,
      (value) => this.#completion(value),
    );
  }

  #completion(value: unknown): JobChange {
    return { type: 'complete', at: this.settings.clock.now(), result: plainJson(value) };
  }

  #judge(attempt: Attempt, outcome: Outcome): JobChange {
    if ('value' in outcome) return this.#completion(outcome.value);
    const at = this.settings.clock.now();
    const { isRevivable } = attempt.call;
    if (isRevivable && attempt.wasEndedBy(JobInterruptedError, outcome.thrown)) {
      return { type: 'release', at };
    }
    const cancelled = attempt.wasEndedBy(JobCancelledError, outcome.thrown);
    return { type: cancelled ? 'cancel' : 'fail', at, error: toFailure(outcome.thrown) };
  }

  /** When the job runs again, if it failed and may. Once the application ends it may not, but for a later process. */
  #nextRun(attempt: Attempt, change: JobChange): number | undefined {
    if (change.type !== 'fail' || (this.#closing && !attempt.call.isRevivable)) return undefined;
    const delay = retryDelay(attempt.call.definition, attempt.number, Math.random());
    return delay === undefined ? undefined : change.at + delay;
  }

  async #recordEnd(attempt: Attempt, change: JobChange): Promise<void> {
    if (attempt.recorded) return;
    await this.settings.tracker.change(attempt.call.id, change, attempt.number);
  }

  #settle(attempt: Attempt, change: JobChange, outcome: Outcome): void {
    const { call } = attempt;
    if ('value' in outcome) return call.settler.resolve(outcome.value);
    const { thrown } = outcome;
    this.ended.keep(call);
    const timedOut = attempt.wasEndedBy(JobTimeoutError, thrown);
    if (timedOut && call.definition.onTimeout === 'value') return call.settler.resolve(Timeout);
    if (change.type === 'fail') this.settings.reporter.failed(call, thrown);
    call.settler.reject(thrown);
  }

  #forget(call: PendingCall): void {
    this.#calls.delete(call.id);
    call.future.conclude();
    if (this.#calls.size > 0) return;
    this.#whenIdle.forEach((resolve) => resolve());
    this.#whenIdle = [];
  }
}

function reschedule(change: JobChange, runAt: number): JobChange {
  return change.type === 'fail' ? { ...change, type: 'reschedule', runAt } : change;
}
