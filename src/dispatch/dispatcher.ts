import { setImmediate } from 'node:timers';
import { currentScope, type HeadLine, type Scope } from '../context/scope.js';
import type { JobEngine, JobTicket } from '../engine/job-engine.js';
import { JobCancelledError, JobInterruptedError } from '../errors/job.errors.js';
import { isPipelined } from '../future/hand-over.js';
import { JobFuture, type FutureHost } from '../future/job-future.js';
import type { Clock } from '../job/clock.js';
import type { JobRecord } from '../job/job.js';
import { newJobId } from '../job/job-id.js';
import { chain, isPromise, type MaybePromise } from '../job/maybe-promise.js';
import type { OutputPage } from '../output/output-chunk.js';
import { encodeCall } from '../registry/call-codec.js';
import type { JobDefinition } from '../registry/job-definition.js';
import type { JobRegistry } from '../registry/job-registry.js';
import type { JobReporter } from '../run/job-reporter.js';
import type { JobRunner } from '../run/job-runner.js';
import { PendingCall } from '../run/pending-call.js';
import type { JobTracker, OpenTransaction } from '../tracker/job-tracker.js';
import { currentTransaction, type AmbientTransaction } from '../transaction/ambient-transaction.js';
import { ArgumentPipeline } from './argument-pipeline.js';
import { JobRetry } from './job-retry.js';
import { ticketOf } from './ticket.js';
import { UniqueCalls } from './unique-calls.js';

export interface DispatcherParts {
  readonly tracker: JobTracker;
  readonly engine: JobEngine;
  readonly runner: JobRunner;
  readonly reporter: JobReporter;
  readonly control: FutureHost;
  readonly clock: Clock;
  readonly registry: JobRegistry;
}

/** The way in: makes a job of a call, has it stored, then queued. */
export class Dispatcher {
  readonly #pipeline: ArgumentPipeline;
  readonly #retry: JobRetry;
  readonly #unique: UniqueCalls;
  #closed = false;
  #lastTurn: Promise<void> = Promise.resolve();

  constructor(private readonly parts: DispatcherParts) {
    this.#pipeline = new ArgumentPipeline(parts);
    this.#retry = new JobRetry(parts, this.#pipeline);
    this.#unique = new UniqueCalls(parts.clock);
  }

  /** Takes no more calls. */
  close(): void {
    this.#closed = true;
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
      newJobId(),
      definition.name,
    );
    return new PendingCall(
      future,
      settler,
      definition,
      target,
      args,
      this.#revives(definition, args),
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
      call.acceptedBy(this.#refuse(call, error));
      return call.future;
    }
  }

  /**
   * Runs a stored job again, in the async context of the caller. Rejected where it cannot be queued.
   * @param printed What its earlier attempts printed.
   */
  async revive(
    definition: JobDefinition,
    target: unknown,
    args: readonly unknown[],
    record: JobRecord,
    printed: OutputPage | undefined,
  ): Promise<void> {
    const { runner, engine, control } = this.parts;
    const { future, settler } = JobFuture.of<unknown>(control, record.id, definition.name);
    const call = new PendingCall(future, settler, definition, target, args, true);
    call.printed = printed;
    if (this.#closed) throw new JobInterruptedError(record.id, record.name, 'before it began');
    runner.attend(call);
    try {
      // It was accepted once: no limit applies to it.
      await engine.enqueue({ ...ticketOf(call, record), runAt: record.runAt, isAccepted: true });
    } catch (error) {
      runner.drop(call, error);
      throw error;
    }
  }

  /** Whether a call is stored in such a way that it can be run again from there; with a future among its arguments it is not. */
  #revives(definition: JobDefinition, args: readonly unknown[]): boolean {
    const { tracker, registry } = this.parts;
    if (!tracker.durable || args.some(isPipelined)) return false;
    return registry.ownDefinition(definition) !== undefined;
  }

  #accept(call: PendingCall, record: JobRecord, head: readonly HeadLine[]): void {
    const refuse = (error: unknown): Promise<never> => this.#refuse(call, error);
    try {
      const accepting = this.#store(call, this.#withCall(record, call), head);
      if (isPromise(accepting)) call.acceptedBy(accepting.catch(refuse));
    } catch (error) {
      call.acceptedBy(refuse(error));
    }
  }

  /** @throws ArgumentsNotSerializableError */
  #withCall(record: JobRecord, { definition, args, isRevivable }: PendingCall): JobRecord {
    const own = isRevivable && this.parts.registry.ownDefinition(definition);
    return own ? { ...record, call: encodeCall(definition, own, args) } : record;
  }

  #store(call: PendingCall, record: JobRecord, head: readonly HeadLine[]): MaybePromise<void> {
    if (this.#closed) {
      throw new JobInterruptedError(record.id, record.name, 'before it was accepted');
    }
    const transaction = currentTransaction();
    const open = transaction?.openTransactions() ?? [];
    return open.length === 0
      ? this.#storeAndQueue(call, record, head)
      : this.#storeIn(transaction!, open, call, record, head);
  }

  #storeAndQueue(
    call: PendingCall,
    record: JobRecord,
    head: readonly HeadLine[],
  ): MaybePromise<void> {
    const creating = this.#create(call, record, head);
    if (!isPromise(creating)) return this.#queue(call, record);
    return this.#inTurn(creating, () => this.#queue(call, record));
  }

  /** Calls are stored side by side, on several connections, but queued in the order in which they were made. */
  #inTurn(creating: Promise<void>, queue: () => MaybePromise<void>): Promise<void> {
    const turn = Promise.allSettled([this.#lastTurn, creating])
      .then(() => creating)
      .then(queue);
    this.#lastTurn = turn;
    return turn;
  }

  /** At once, or when its arguments are there. */
  #queue(call: PendingCall, record: JobRecord, isAccepted?: true): MaybePromise<void> {
    const ticket = (): JobTicket =>
      isAccepted ? { ...ticketOf(call, record), isAccepted } : ticketOf(call, record);
    if (!call.args.some(isPipelined)) return this.parts.engine.enqueue(ticket());
    return this.#pipeline.queueWhenResolved(call, ticket);
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
  ): MaybePromise<void> {
    const { tracker } = this.parts;
    const joined = open.find(({ dataSource }) => tracker.joins?.(dataSource));
    // A crash before the commit would leave it behind in a store that neither shares the transaction nor forgets.
    const isStoredLater = tracker.durable === true && !joined;
    call.future.heldBy(transaction);
    transaction.hooks.add(
      () => {
        call.future.heldBy(undefined);
        void this.#afterCommit(call, record, isStoredLater ? head : undefined);
      },
      () => void this.#refuse(call, rolledBack(record)).catch(() => undefined),
    );
    if (isStoredLater) return undefined;
    const creating = this.#create(call, record, head, joined);
    if (isPromise(creating)) transaction.hooks.addWrite(creating);
    return creating;
  }

  async #afterCommit(
    call: PendingCall,
    record: JobRecord,
    unstored?: readonly HeadLine[],
  ): Promise<void> {
    try {
      await (unstored
        ? this.#storeAndQueue(call, record, unstored)
        : this.#queue(call, record, true));
    } catch (error) {
      await this.#refuse(call, error).catch(() => undefined);
    }
  }

  /** Leaves no trace of the job, and tells whoever asks. */
  async #refuse(call: PendingCall, error: unknown): Promise<never> {
    const { tracker, runner, reporter } = this.parts;
    await reporter.unharmed(call, 'forget it', () => tracker.forget(call.id));
    runner.drop(call, error);
    // Whoever is going to await the future has done so by then.
    setImmediate(() => reporter.refused(call, error));
    throw error;
  }
}

function rolledBack({ id, name }: JobRecord): JobCancelledError {
  return new JobCancelledError(id, name, 'the transaction that it was called in was rolled back');
}

function newRecord(call: PendingCall, scope: Scope | undefined, now: number): JobRecord {
  return {
    id: call.id,
    name: call.definition.name,
    createdAt: now,
    parentId: scope?.kind === 'job' ? scope.context.id : undefined,
    origin: scope?.kind === 'start' ? scope.origin : undefined,
    state: call.definition.delay > 0 || call.args.some(isPipelined) ? 'scheduled' : 'queued',
    runAt: call.definition.delay > 0 ? now + call.definition.delay : undefined,
    attempt: 0,
    startedAt: undefined,
    finishedAt: undefined,
    progress: null,
    result: undefined,
    error: undefined,
  };
}
