import { setImmediate } from 'node:timers';
import { currentScope, type HeadLine, type Scope } from '../context/scope.js';
import type { JobEngine, JobTicket } from '../engine/job-engine.js';
import { JobCancelledError, JobInterruptedError } from '../errors/job.errors.js';
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
  #closed = false;

  constructor(private readonly parts: DispatcherParts) {}

  /** Takes no more calls. */
  close(): void {
    this.#closed = true;
  }

  /** Starts a job; returns at once. Where the call is refused, the future and its `accepted` are rejected. */
  dispatch(
    definition: JobDefinition,
    target: unknown,
    args: readonly unknown[],
  ): JobFuture<unknown> {
    const { runner, control, clock } = this.parts;
    const { future, settler } = JobFuture.of<unknown>(control, newJobId(), definition.name);
    const call = new PendingCall(
      future,
      settler,
      definition,
      target,
      args,
      this.#revives(definition),
    );
    const scope = currentScope();
    const head = scope?.kind === 'start' ? scope.started(future) : [];
    runner.attend(call);
    this.#accept(call, newRecord(call, scope, clock.now()), head);
    return future;
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
      await engine.enqueue(ticketOf(call, record));
    } catch (error) {
      runner.drop(call, error);
      throw error;
    }
  }

  /** Whether a call is stored in such a way that it can be run again from there. */
  #revives(definition: JobDefinition): boolean {
    const { tracker, registry } = this.parts;
    return tracker.durable === true && registry.ownDefinition(definition) !== undefined;
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
    return chain(this.#create(call, record, head), () =>
      this.parts.engine.enqueue(ticketOf(call, record)),
    );
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
        : this.parts.engine.enqueue({ ...ticketOf(call, record), isAccepted: true }));
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
    state: call.definition.delay > 0 ? 'scheduled' : 'queued',
    runAt: call.definition.delay > 0 ? now + call.definition.delay : undefined,
    attempt: 0,
    startedAt: undefined,
    finishedAt: undefined,
    progress: null,
    result: undefined,
    error: undefined,
  };
}

function ticketOf({ definition }: PendingCall, { id, name, runAt }: JobRecord): JobTicket {
  return { id, name, priority: definition.priority, runAt };
}
