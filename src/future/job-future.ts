import type { Observable } from 'rxjs';
import type { JobKey } from '../job/job-id.js';
import type { Job } from '../job/job.js';
import type { JobEvent } from '../job/job-event.js';
import { BackgroundError } from '../errors/background.error.js';
import { currentJobScope, currentScope, surroundingTransaction } from '../context/scope.js';
import { JobDeadlockError } from '../errors/deadlock.error.js';
import { HAND_OVER } from './hand-over.js';
import { WaitNode } from './wait-graph.js';
import { recordingOf, WatchedPromise } from './watched-promise.js';

/** What a future needs of the runtime that made it. */
export interface FutureHost {
  find(id: string): Promise<Job>;
  cancel(id: string, reason?: unknown): Promise<boolean>;
  follow(id: string): Observable<JobEvent>;
}

type Resolve = (outcome: unknown) => void;
type Executor<T> = (resolve: (value: T) => void, reject: Resolve) => void;

/**
 * What a call in the background returns: a promise of its result, and a handle of its job. A failure that
 * nobody awaits is logged by the runner, and never becomes an unhandled rejection.
 * (PyBackground's transparent future, after Io's.)
 */
// It is `Pipelined` too, and does not say so: what makes it that is internal, and no published type may name it.
export class JobFuture<T> extends Promise<T> {
  // `then` gives ordinary promises: what is derived from a future is no job of its own.
  static override get [Symbol.species](): PromiseConstructor {
    return Promise;
  }

  /** The job's name. */
  readonly name: string;
  readonly #host: FutureHost;
  #key: JobKey;
  #resolve: Resolve | undefined;
  #reject: Resolve | undefined;
  #accepted: Promise<void> | undefined;
  #node: WaitNode | undefined;
  #over = false;
  #awaited = false;
  #acceptanceAwaited = false;
  #refusalAnswered = false;
  #heldBy: object | undefined;
  #isUndone = false;
  #handedOver: Promise<unknown> | undefined;

  private constructor(executor: Executor<T>, host: FutureHost, key: JobKey, name: string) {
    super(executor);
    this.#key = key;
    this.name = name;
    this.#host = host;
  }

  /** One executor for all futures: `new` calls it before it returns, and what it was given is taken at once. */
  static readonly #executor: Executor<unknown> = (resolve, reject) => {
    JobFuture.#resolveNew = resolve;
    JobFuture.#rejectNew = reject;
  };
  static #resolveNew: Resolve | undefined;
  static #rejectNew: Resolve | undefined;

  /** @internal */
  static of<T>(host: FutureHost, key: JobKey, name: string): JobFuture<T> {
    const future = new JobFuture<T>(JobFuture.#executor as Executor<T>, host, key, name);
    future.#resolve = JobFuture.#resolveNew;
    future.#reject = JobFuture.#rejectNew;
    JobFuture.#resolveNew = JobFuture.#rejectNew = undefined;
    return future;
  }

  /** @internal */
  fulfil(value: T): void {
    this.#settle(this.#resolve, value);
  }

  /** Handled first: most futures never fail, and need no handler while they wait. @internal */
  fail(error: unknown): void {
    void this.result(undefined, ignore);
    this.#settle(this.#reject, error);
  }

  /** Once: whoever holds the future for long shall hold no more than its result. */
  #settle(settle: Resolve | undefined, outcome: unknown): void {
    this.#resolve = this.#reject = undefined;
    settle?.(outcome);
  }

  /** The job's id. Where another process has a job with the same unique key, that job's, once the call is accepted. */
  get id(): string {
    return this.#key.id;
  }

  /** The call is another job that is not over. @internal */
  standsFor(id: string): void {
    this.#key = { id };
  }

  /** Fulfilled once the job is stored; rejected where the call was refused, as with `QueueFullError`. */
  get accepted(): Promise<void> {
    this.#acceptanceAwaited = true;
    return recordingOf(this, this.acceptance);
  }

  /** The same for one who does not count as hearing of a refusal. @internal */
  get acceptance(): Promise<void> {
    return (this.#accepted ??= Promise.resolve());
  }

  /** The answer to a request tells of the refusal, if the call is refused. @internal */
  acceptedForAnswer(): Promise<void> {
    this.#refusalAnswered = true;
    return this.acceptance;
  }

  /** @internal */
  acceptedBy(storing: Promise<void>): void {
    this.#accepted = storing;
    storing.catch(ignore);
  }

  /**
   * The transaction whose commit the job waits for; whoever awaits the job within it would wait for ever.
   * @param job Whose transaction it is, if it is one of a job's: it ends with that job. @internal
   */
  heldBy(transaction: object | undefined, job?: WaitNode): void {
    this.#heldBy = transaction;
    if (job) this.node.waitFor(job);
    if (!transaction) this.stopWaiting();
  }

  /** Whether it waits for the commit of a transaction. @internal */
  get isHeld(): boolean {
    return this.#heldBy !== undefined;
  }

  /** The same, for code that is not in that transaction. @internal */
  get isHeldElsewhere(): boolean {
    return this.#heldBy !== undefined && !surroundingTransaction()?.isWithin(this.#heldBy);
  }

  /** Fulfilled once the engine has it, where it was called in a transaction that is committed: it may be another's job. @internal */
  get handedOver(): Promise<unknown> | undefined {
    return this.#handedOver;
  }

  /** @internal */
  handedOverBy(handing: Promise<unknown>): void {
    this.#handedOver = handing;
  }

  /** Whether the call was rolled back with the transaction that it was made in: then the job never was. @internal */
  get isUndone(): boolean {
    return this.#isUndone;
  }

  /** @internal */
  undo(): void {
    this.#isUndone = true;
  }

  /** Whether anybody has awaited it yet. @internal */
  get isAwaited(): boolean {
    return this.#awaited;
  }

  /** Whether anybody would hear that the call was refused. @internal */
  get isAcceptanceAwaited(): boolean {
    return this.isRefusalHeard || this.#refusalAnswered;
  }

  /** Whether the code that called it would. @internal */
  get isRefusalHeard(): boolean {
    return this.#awaited || this.#acceptanceAwaited;
  }

  /** The job among those that wait for each other. @internal */
  get node(): WaitNode {
    return (this.#node ??= new WaitNode(this.id, this.name));
  }

  /** The attempt is over, and with it whatever it waited for. @internal */
  stopWaiting(): void {
    this.#node?.stopWaiting();
  }

  /** The job is over: a wait for it is none. @internal */
  conclude(): void {
    this.#over = true;
    this.#node?.end();
  }

  /**
   * The code that calls this begins to wait for the job. Returns the error where that would close a circle.
   * @internal
   */
  beginWait(): Error | undefined {
    this.#awaited = true;
    return this.refusalToWait();
  }

  /** The same for one who does not count as awaiting it. @internal */
  refusalToWait(): Error | undefined {
    if (this.#over) return undefined;
    return this.#deadlock() ?? currentScope()?.waits(this.node);
  }

  /** The job as it is now. @throws JobNotFoundError once its retention is over. */
  job(): Promise<Job> {
    return this.#host.find(this.id);
  }

  /**
   * Cancels the job: one that waits never starts, one that runs has its `signal` aborted and its future rejected
   * with `JobCancelledError` at once.
   * @returns `false` where it was over already.
   */
  cancel(reason?: unknown): Promise<boolean> {
    return this.#host.cancel(this.id, reason);
  }

  /** Its output from the beginning, its progress and its state as they come, ending with the final state. */
  follow(): Observable<JobEvent> {
    return this.#host.follow(this.id);
  }

  /** Called by `await` too, in the async context of the waiter: that is how waiting is noticed. */
  override then<A = T, B = never>(
    onFulfilled?: ((value: T) => A | PromiseLike<A>) | null,
    // As `Promise` declares it, so that a future can stand wherever a promise does.
    // eslint-disable-next-line @typescript-eslint/no-explicit-any
    onRejected?: ((reason: any) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    this.#awaited = true;
    if (!this.#isWatched) return super.then(onFulfilled, onRejected);
    // `void job.catch(log)` is no wait, but `await job.catch(log)` is one.
    if (!onFulfilled)
      return WatchedPromise.of(super.then(null, onRejected), () => this.beginWait());
    const refusal = this.beginWait();
    if (refusal) return Promise.reject(refusal).then(onFulfilled, onRejected);
    return super.then(onFulfilled, onRejected);
  }

  /** Whether it matters who waits. */
  get #isWatched(): boolean {
    return !this.#over && (this.#heldBy !== undefined || currentScope() !== undefined);
  }

  /** Where the job starts when a transaction is committed, and that transaction waits for it. */
  #deadlock(): JobDeadlockError | undefined {
    if (!this.#heldBy || !surroundingTransaction()?.isWithin(this.#heldBy)) return undefined;
    const waiter = currentJobScope()?.context;
    return new JobDeadlockError(
      waiter ? [waiter, this] : [this],
      `Job ${this.name} (${this.id}) starts when the transaction that it was called in is committed, and that ` +
        'transaction waits for it here. Await it after the transaction, or call it with outsideTransaction(() => …).',
    );
  }

  /** What the future comes to, without counting as somebody who awaits it; as with `then`. @internal */
  result<A = T, B = never>(
    onFulfilled?: (value: T) => A,
    onRejected?: (error: unknown) => B,
  ): Promise<A | B> {
    const awaited = this.#awaited;
    const result = super.then(onFulfilled, onRejected);
    // `then` asks for the kind of promise, as those do who await it.
    this.#awaited = awaited;
    return result;
  }

  /** The result, as an argument of another job: that one waits for it, not the code that passes it. @internal */
  [HAND_OVER](receiver: WaitNode): Promise<T> {
    this.#awaited = true;
    const refusal = this.#over ? undefined : receiver.waitFor(this.node);
    return refusal ? Promise.reject(refusal) : this.result();
  }
}

/**
 * The future that a decorated method returned, typed as such: its declared type is the plain promise that it is too.
 * @throws BackgroundError for a promise that came from elsewhere, or was derived with `then`.
 * @example const { id } = jobOf(this.reports.build(7));
 */
export function jobOf<T>(promise: Promise<T>): JobFuture<T> {
  if (promise instanceof JobFuture) return promise as JobFuture<T>;
  throw new BackgroundError(
    'jobOf() was given no future of a job. Give it the very value that a @Background() method returned, ' +
      'neither awaited nor passed through then() or an async function.',
  );
}

function ignore(): void {}
