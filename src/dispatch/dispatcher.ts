import { setImmediate } from 'node:timers';
import { scopeOf, type HeadLine } from '../context/scope.js';
import type { JobEngine, JobTicket } from '../engine/job-engine.js';
import { JobDeadlockError } from '../errors/deadlock.error.js';
import { EngineUnavailableError } from '../errors/engine.errors.js';
import { JobInterruptedError } from '../errors/job.errors.js';
import type { FutureHost, JobFuture } from '../future/job-future.js';
import type { Clock } from '../job/clock.js';
import type { JobRecord } from '../job/job.js';
import { JobIds } from '../job/job-id.js';
import { attempted, chain, isPromise, type MaybePromise } from '../job/maybe-promise.js';
import { type ContextCarrier } from '../registry/context-carrier.js';
import type { JobDefinition } from '../registry/job-definition.js';
import type { JobRegistry } from '../registry/job-registry.js';
import type { JobReporter } from '../run/job-reporter.js';
import type { JobRunner } from '../run/job-runner.js';
import type { PendingCall } from '../run/pending-call.js';
import type { JobKeeper } from '../tracker/job-keeper.js';
import type { JobTracker, OpenTransaction, Retention } from '../tracker/job-tracker.js';
import { currentTransaction, type AmbientTransaction } from '../transaction/ambient-transaction.js';
import { ArgumentPipeline } from './argument-pipeline.js';
import { CallOrder } from './call-order.js';
import { JobRetry } from './job-retry.js';
import { JoinedCalls } from './joined-calls.js';
import { recordOf, rolledBack, waitsForArguments, withCall, type NewRecord } from './new-record.js';
import { accepted, asTicket, ticketOf } from './ticket.js';
import { newCall } from './new-call.js';
import { Relay } from './relay.js';
import { Revival } from './revival.js';
import { UniqueCalls } from './unique-calls.js';

export interface DispatcherParts {
  readonly tracker: JobTracker;
  readonly engine: JobEngine;
  readonly runner: JobRunner;
  readonly reporter: JobReporter;
  readonly control: FutureHost & { wait(id: string): Promise<unknown> };
  readonly clock: Clock;
  readonly retention: Retention;
  readonly registry: JobRegistry;
  /** Keeps the tracker's jobs by the objects that stand for them, where it can. */
  readonly keeper: JobKeeper | undefined;
  /** Carries what surrounds a call to another process. */
  readonly context: ContextCarrier | undefined;
}

const NONE: readonly OpenTransaction[] = [];

/** The way in: makes a job of a call, has it stored, then queued. */
export class Dispatcher {
  readonly #pipeline: ArgumentPipeline;
  readonly #retry: JobRetry;
  readonly #unique: UniqueCalls;
  readonly #joined: JoinedCalls;
  /** Hands over what is stored, where an engine that processes share could not take it, or has lost it. */
  readonly relay: Relay;
  /** Takes on jobs that were called elsewhere or earlier. */
  readonly revival: Revival;
  readonly #ids = new JobIds();
  readonly #order = new CallOrder();
  #closed = false;

  constructor(private readonly parts: DispatcherParts) {
    this.#pipeline = new ArgumentPipeline(parts);
    this.#unique = new UniqueCalls(parts.clock, parts.retention.completed);
    this.#joined = new JoinedCalls(parts);
    this.#retry = new JobRetry(parts, this.#pipeline, this.#unique);
    this.relay = new Relay(parts);
    this.revival = new Revival(parts);
  }

  /** Takes no more calls. */
  close(): void {
    this.#closed = true;
    this.relay.close();
    this.revival.close();
    this.#unique.close();
  }

  /** Runs a job again that failed or was cancelled. */
  async retry(id: string): Promise<boolean> {
    return !this.#closed && this.#retry.retry(id);
  }

  /** Starts a job; returns at once. Where the call is refused, the future and its `accepted` are rejected. */
  dispatch(
    definition: JobDefinition,
    target: unknown,
    args: readonly unknown[],
  ): JobFuture<unknown> {
    const call = newCall(this.parts, this.#ids, definition, target, args);
    if (definition.unique) return this.#beginUnique(call);
    return this.#begin(call);
  }

  #begin(call: PendingCall): JobFuture<unknown> {
    const scope = scopeOf(this.parts.runner.runtime);
    const head = scope?.kind === 'start' ? scope.started(call.future) : [];
    this.parts.runner.attend(call);
    this.#accept(call, recordOf(call, scope, this.parts.clock), head);
    return call.future;
  }

  /** The future of the call, or of the first one with its key. */
  #beginUnique(call: PendingCall): JobFuture<unknown> {
    try {
      const first = this.#unique.firstLike(call);
      return first === call ? this.#begin(call) : this.#joined.join(first);
    } catch (error) {
      this.#joined.note(call);
      call.acceptedBy(this.#turnAway(call, error));
      return call.future;
    }
  }

  #accept(call: PendingCall, record: NewRecord, head: readonly HeadLine[]): void {
    let isChecked = false;
    try {
      const ticket = this.#check(call, record);
      const stored = call.kept ? record : withCall(this.parts, record as JobRecord, call);
      isChecked = true;
      const accepting = this.#store(call, stored, head, ticket);
      if (!isPromise(accepting)) return;
      call.acceptedBy(accepting.catch((error: unknown) => this.#refuse(call, error)));
    } catch (error) {
      call.acceptedBy(isChecked ? this.#refuse(call, error) : this.#turnAway(call, error));
    }
  }

  /**
   * Before anything is stored, and not only when a transaction is committed. Gives the ticket, but where its arguments are
   * to come. @throws what refuses the call
   */
  #check(call: PendingCall, record: NewRecord): JobTicket | undefined {
    if (this.#closed) {
      throw new JobInterruptedError(record.id, record.name, 'before it was accepted');
    }
    return waitsForArguments(call) ? undefined : this.#ticketOf(call, record);
  }

  #ticketOf(call: PendingCall, record: NewRecord): JobTicket {
    return this.parts.engine.keepsTickets ? asTicket(call, record) : ticketOf(call, record);
  }

  #store(
    call: PendingCall,
    record: NewRecord,
    head: readonly HeadLine[],
    ticket: JobTicket | undefined,
  ): MaybePromise<void> {
    const transaction = currentTransaction()?.lasting;
    const open = transaction?.openTransactions() ?? NONE;
    return open.length === 0
      ? this.#storeAndQueue(call, record, head, ticket)
      : this.#storeIn(transaction!, open, call, record, head, ticket);
  }

  #storeAndQueue(
    call: PendingCall,
    record: NewRecord,
    head: readonly HeadLine[],
    ticket: JobTicket | undefined,
  ): MaybePromise<void> {
    const creating = this.#create(call, record, head);
    if (!isPromise(creating)) return this.#queue(call, record, ticket);
    // The engine keeps the order in which it is given them, so none waits for the answer to the one before.
    const stored = call.output ? creating.then(() => this.#flushHead(call)) : creating;
    return this.#order.after(stored, () => this.#handOver(call, record, ticket));
  }

  #queue(call: PendingCall, record: NewRecord, ticket: JobTicket | undefined): MaybePromise<void> {
    const flushing = this.#flushHead(call);
    if (!isPromise(flushing)) return this.#handOver(call, record, ticket);
    return flushing.then(() => this.#handOver(call, record, ticket));
  }

  /** Whoever runs the call in another process goes on after what was printed here. */
  #flushHead(call: PendingCall): MaybePromise<void> {
    const { engine, tracker } = this.parts;
    if (!engine.distributed || !call.output || waitsForArguments(call)) return undefined;
    return tracker.flush?.(call.id);
  }

  /** At once, or when its arguments are there. */
  #handOver(
    call: PendingCall,
    record: NewRecord,
    ticket: JobTicket | undefined,
  ): MaybePromise<void> {
    if (!ticket) {
      return this.#pipeline.queueWhenResolved(call, () => this.#ticketOf(call, record));
    }
    const queued = this.parts.engine.enqueue(ticket);
    return (
      queued && chain(queued, (standIn) => standIn && this.#joined.follow(standIn, call, record))
    );
  }

  #create(
    call: PendingCall,
    record: NewRecord,
    head: readonly HeadLine[],
    transaction?: OpenTransaction,
  ): MaybePromise<void> {
    const { kept } = call;
    const creating = kept
      ? kept.keep()
      : this.parts.tracker.create(record as JobRecord, transaction);
    if (head.length === 0) return creating;
    return chain(creating, () =>
      head.forEach(({ text, stream }) => this.parts.runner.write(call, text, stream)),
    );
  }

  /** A call within a transaction: stored with it, queued once it is committed, and gone if it is rolled back. */
  #storeIn(
    transaction: AmbientTransaction,
    open: readonly OpenTransaction[],
    call: PendingCall,
    record: NewRecord,
    head: readonly HeadLine[],
    ticket: JobTicket | undefined,
  ): MaybePromise<void> {
    const { tracker } = this.parts;
    const joined = open.find(({ dataSource }) => tracker.joins?.(dataSource));
    // A crash before the commit would leave it behind in a store that neither shares the transaction nor forgets.
    const isStoredLater = tracker.durable === true && !joined;
    const around = this.parts.runner.pending(transaction.jobId ?? '');
    call.future.heldBy(transaction, around?.future.node);
    transaction.hooks.add(
      () => {
        call.future.heldBy(undefined);
        const handing = this.#afterCommit(call, record, ticket, isStoredLater ? head : undefined);
        if (isPromise(handing)) call.future.handedOverBy(handing);
      },
      () => this.#undo(call, rolledBack(record)),
    );
    if (isStoredLater) return undefined;
    const creating = this.#create(call, record, head, joined);
    if (isPromise(creating)) transaction.hooks.addWrite(creating);
    return creating;
  }

  /** At once: the next call of the same unique key is one of its own. */
  #undo(call: PendingCall, error: unknown): void {
    call.future.undo();
    void this.parts.runner.records.forget(call);
    void this.#turnAway(call, error).catch(() => undefined);
  }

  #afterCommit(
    call: PendingCall,
    record: NewRecord,
    ticket: JobTicket | undefined,
    unstored?: readonly HeadLine[],
  ): MaybePromise<void> {
    if (call.end) return unstored ? undefined : this.parts.runner.records.cancelled(call, call.end);
    const queued = attempted(() =>
      unstored
        ? this.#storeAndQueue(call, record, unstored, ticket)
        : this.#queue(call, record, ticket && accepted(ticket)),
    );
    const isStored = unstored === undefined;
    return isPromise(queued)
      ? queued.catch((error) => this.#notQueued(call, error, isStored))
      : undefined;
  }

  async #notQueued(call: PendingCall, error: unknown, isStored: boolean): Promise<void> {
    // What is committed is done: the queue being away for a while is no reason to forget it.
    const isForLater = isStored && call.isRevivable && error instanceof EngineUnavailableError;
    if (isForLater) return this.relay.later(call);
    await this.#refuse(call, error).catch(() => undefined);
  }

  /** Leaves no trace of the job, and tells whoever asks. */
  async #refuse(call: PendingCall, error: unknown): Promise<never> {
    // What waited in a circle for its turn to be stored was not.
    if (!(error instanceof JobDeadlockError)) await this.parts.runner.records.forget(call);
    // It was told already that the transaction around it was rolled back.
    if (call.future.isUndone) throw error;
    return this.#turnAway(call, error);
  }

  /** The same for a call of which nothing was stored. */
  #turnAway(call: PendingCall, error: unknown): Promise<never> {
    const { runner, reporter } = this.parts;
    runner.drop(call, error);
    // Whoever is going to await the future has done so by then.
    setImmediate(() => reporter.refused(call, error));
    return Promise.reject(error);
  }
}
