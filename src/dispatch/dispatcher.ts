import { setImmediate } from 'node:timers';
import { currentScope, type HeadLine } from '../context/scope.js';
import type { JobEngine, JobTicket, StandIn } from '../engine/job-engine.js';
import { EngineUnavailableError } from '../errors/engine.errors.js';
import { JobInterruptedError } from '../errors/job.errors.js';
import { isPipelined } from '../future/hand-over.js';
import { JobFuture, type FutureHost } from '../future/job-future.js';
import type { WaitNode } from '../future/wait-graph.js';
import type { Clock } from '../job/clock.js';
import type { JobRecord } from '../job/job.js';
import { JobIds } from '../job/job-id.js';
import { chain, isPromise, type MaybePromise } from '../job/maybe-promise.js';
import { type ContextCarrier } from '../registry/context-carrier.js';
import type { JobDefinition } from '../registry/job-definition.js';
import type { JobRegistry } from '../registry/job-registry.js';
import type { JobReporter } from '../run/job-reporter.js';
import type { JobRunner } from '../run/job-runner.js';
import { PendingCall } from '../run/pending-call.js';
import type { JobTracker, OpenTransaction } from '../tracker/job-tracker.js';
import { currentTransaction, type AmbientTransaction } from '../transaction/ambient-transaction.js';
import { ArgumentPipeline } from './argument-pipeline.js';
import { CallOrder } from './call-order.js';
import { JobRetry } from './job-retry.js';
import { ticketOf } from './ticket.js';
import { isRevivable, newRecord, rolledBack, withCall } from './new-record.js';
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
  readonly registry: JobRegistry;
  /** Carries what surrounds a call to another process. */
  readonly context: ContextCarrier | undefined;
}

/** Gives the ticket of a call: checked already, or, where its arguments are to come, when they are there. */
type TicketMaker = () => JobTicket;

/** The way in: makes a job of a call, has it stored, then queued. */
export class Dispatcher {
  readonly #pipeline: ArgumentPipeline;
  readonly #retry: JobRetry;
  readonly #unique: UniqueCalls;
  /** Hands over what is stored, where an engine that processes share could not take it, or has lost it. */
  readonly relay: Relay;
  /** Takes on jobs that were called elsewhere or earlier. */
  readonly revival: Revival;
  readonly #ids = new JobIds();
  readonly #order = new CallOrder();
  #closed = false;

  constructor(private readonly parts: DispatcherParts) {
    this.#pipeline = new ArgumentPipeline(parts);
    this.#retry = new JobRetry(parts, this.#pipeline);
    this.#unique = new UniqueCalls(parts.clock);
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
    const call = this.#callOf(definition, target, args);
    if (definition.unique) return this.#beginUnique(call);
    return this.#begin(call);
  }

  #callOf(definition: JobDefinition, target: unknown, args: readonly unknown[]): PendingCall {
    const { future, settler } = JobFuture.of<unknown>(
      this.parts.control,
      this.#ids.next(),
      definition.name,
    );
    return new PendingCall(
      future,
      settler,
      definition,
      target,
      args,
      isRevivable(this.parts, definition, args),
    );
  }

  #begin(call: PendingCall): JobFuture<unknown> {
    const scope = currentScope();
    const head = scope?.kind === 'start' ? scope.started(call.future) : [];
    this.parts.runner.attend(call);
    this.#accept(call, newRecord(call, scope, this.parts.clock.now()), head);
    return call.future;
  }

  /** The future of the call, or of the first one with its key. */
  #beginUnique(call: PendingCall): JobFuture<unknown> {
    try {
      const first = this.#unique.firstLike(call);
      if (first === call) return this.#begin(call);
      const scope = currentScope();
      if (scope?.kind === 'start') scope.started(first.future);
      return first.future;
    } catch (error) {
      call.acceptedBy(this.#turnAway(call, error));
      return call.future;
    }
  }

  #accept(call: PendingCall, record: JobRecord, head: readonly HeadLine[]): void {
    try {
      const ticket = this.#check(call, record);
      const stored = withCall(this.parts, record, call);
      this.#acceptChecked(call, () => this.#store(call, stored, head, ticket));
    } catch (error) {
      call.acceptedBy(this.#turnAway(call, error));
    }
  }

  #acceptChecked(call: PendingCall, store: () => MaybePromise<void>): void {
    const refuse = (error: unknown): Promise<never> => this.#refuse(call, error);
    try {
      const accepting = store();
      if (isPromise(accepting)) call.acceptedBy(accepting.catch(refuse));
    } catch (error) {
      call.acceptedBy(refuse(error));
    }
  }

  /** Before anything is stored, and not only when a transaction is committed. @throws what refuses the call */
  #check(call: PendingCall, record: JobRecord): TicketMaker {
    if (this.#closed) {
      throw new JobInterruptedError(record.id, record.name, 'before it was accepted');
    }
    if (call.args.some(isPipelined)) return () => ticketOf(call, record);
    const ticket = ticketOf(call, record);
    return () => ticket;
  }

  #store(
    call: PendingCall,
    record: JobRecord,
    head: readonly HeadLine[],
    ticket: TicketMaker,
  ): MaybePromise<void> {
    const transaction = currentTransaction();
    const open = transaction?.openTransactions() ?? [];
    return open.length === 0
      ? this.#storeAndQueue(call, record, head, ticket)
      : this.#storeIn(transaction!, open, call, record, head, ticket);
  }

  #storeAndQueue(
    call: PendingCall,
    record: JobRecord,
    head: readonly HeadLine[],
    ticket: TicketMaker,
  ): MaybePromise<void> {
    const creating = this.#create(call, record, head);
    if (!isPromise(creating)) return this.#queue(call, ticket);
    // The engine keeps the order in which it is given them, so none waits for the answer to the one before.
    const stored = call.output ? creating.then(() => this.#flushHead(call)) : creating;
    return this.#order.after(stored, () => this.#handOver(call, ticket));
  }

  #queue(call: PendingCall, ticket: TicketMaker): MaybePromise<void> {
    return chain(this.#flushHead(call), () => this.#handOver(call, ticket));
  }

  /** Whoever runs the call in another process goes on after what was printed here. */
  #flushHead(call: PendingCall): MaybePromise<void> {
    const { engine, tracker } = this.parts;
    if (!engine.distributed || !call.output || call.args.some(isPipelined)) return undefined;
    return tracker.flush?.(call.id);
  }

  /** At once, or when its arguments are there. */
  #handOver(call: PendingCall, ticket: TicketMaker): MaybePromise<void> {
    if (call.args.some(isPipelined)) return this.#pipeline.queueWhenResolved(call, ticket);
    const queued = this.parts.engine.enqueue(ticket());
    return chain(queued, (standIn) => this.#followStandIn(call, standIn));
  }

  /** Another process has a job of the same unique key: this call is that job. */
  #followStandIn(call: PendingCall, standIn: void | StandIn): MaybePromise<void> {
    if (!standIn) return undefined;
    const { tracker, runner, control, reporter } = this.parts;
    const forgetting = reporter.unharmed(call, 'forget it', () => tracker.forget(call.id));
    runner.leave(call);
    call.future.standsFor(standIn.standIn);
    control
      .wait(standIn.standIn)
      .then(call.settler.resolve, (error: unknown) => call.settler.reject(error));
    return forgetting?.then(() => undefined);
  }

  #create(
    call: PendingCall,
    record: JobRecord,
    head: readonly HeadLine[],
    transaction?: OpenTransaction,
  ): MaybePromise<void> {
    return chain(this.parts.tracker.create(record, transaction), () =>
      head.forEach(({ text, stream }) => this.parts.runner.write(call, text, stream)),
    );
  }

  /** A call within a transaction: stored with it, queued once it is committed, and gone if it is rolled back. */
  #storeIn(
    transaction: AmbientTransaction,
    open: readonly OpenTransaction[],
    call: PendingCall,
    record: JobRecord,
    head: readonly HeadLine[],
    ticket: TicketMaker,
  ): MaybePromise<void> {
    const { tracker } = this.parts;
    const joined = open.find(({ dataSource }) => tracker.joins?.(dataSource));
    // A crash before the commit would leave it behind in a store that neither shares the transaction nor forgets.
    const isStoredLater = tracker.durable === true && !joined;
    call.future.heldBy(transaction, this.#nodeOf(transaction.jobId));
    transaction.hooks.add(
      () => {
        call.future.heldBy(undefined);
        void this.#afterCommit(call, record, ticket, isStoredLater ? head : undefined);
      },
      () => void this.#refuse(call, rolledBack(record)).catch(() => undefined),
    );
    if (isStoredLater) return undefined;
    const creating = this.#create(call, record, head, joined);
    if (isPromise(creating)) transaction.hooks.addWrite(creating);
    return creating;
  }

  #nodeOf(jobId: string | undefined): WaitNode | undefined {
    return jobId === undefined ? undefined : this.parts.runner.pending(jobId)?.future.node;
  }

  async #afterCommit(
    call: PendingCall,
    record: JobRecord,
    ticket: TicketMaker,
    unstored?: readonly HeadLine[],
  ): Promise<void> {
    try {
      await (unstored
        ? this.#storeAndQueue(call, record, unstored, ticket)
        : this.#queue(call, () => ({ ...ticket(), isAccepted: true })));
    } catch (error) {
      if (this.#waitsForEngine(call, error) && !unstored) return this.relay.later(call);
      await this.#refuse(call, error).catch(() => undefined);
    }
  }

  /** What is committed is done: the queue being away for a while is no reason to forget it. */
  #waitsForEngine({ isRevivable }: PendingCall, error: unknown): boolean {
    return isRevivable && error instanceof EngineUnavailableError;
  }

  /** Leaves no trace of the job, and tells whoever asks. */
  async #refuse(call: PendingCall, error: unknown): Promise<never> {
    const { tracker, reporter } = this.parts;
    await reporter.unharmed(call, 'forget it', () => tracker.forget(call.id));
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
