import type { LockParty, Release, WaitRules } from '../../engine/file-locks.js';
import { JobDeadlockError } from '../../errors/deadlock.error.js';
import { DatabaseBusyError, JobTransactionError } from '../../errors/transaction.errors.js';
import type { WaitNode } from '../../future/wait-graph.js';
import { systemClock, type Clock } from '../../job/clock.js';

/**
 * How long to wait for the lock, in ms. A job may well write for seconds; but a request that has waited for so long has
 * lost its reader, and an error that names the holder helps more than a page that never comes.
 */
export const WAIT_LIMIT = 30_000;

/**
 * How long a circle over results and the lock stands before it is taken for one, in ms. Not at once: with `Promise.race`
 * and `then` a job counts as waiting that goes on, and ends, and lets the other one write.
 */
const CIRCLE_TIME = 500;

export type { LockParty, Release, WaitRules };

/** Whoever wants to write in this thread. */
export interface JobParty extends LockParty {
  /** The job, if it is its transaction, among those that wait for each other. */
  readonly node?: (() => WaitNode) | undefined;
  /** The ids of the jobs whose records it is to write, without which they do not go on. */
  readonly jobs?: readonly string[] | undefined;
}

interface Waiter {
  readonly party: JobParty;
  grant(): void;
}

/**
 * Who may write to a database now: one at a time, in the order of asking. SQLite has such a lock of its own, but waits
 * for it with the whole thread standing still; here the wait is asynchronous, and other code runs on.
 */
export class WriterLock {
  #holder: JobParty | undefined;
  #waiters: Waiter[] = [];

  constructor(
    /** The database, as errors name it. */
    readonly title: string,
    private readonly clock: Clock = systemClock,
    /** By the ids of jobs, the locks that their transactions wait for; one map for all locks that jobs may hold at once. */
    private readonly awaited = new Map<string, WriterLock>(),
  ) {}

  get holder(): JobParty | undefined {
    return this.#holder;
  }

  /** @throws DatabaseBusyError after the limit; JobTransactionError or JobDeadlockError where the wait could never end. */
  async take(party: JobParty, rules: WaitRules = {}): Promise<Release> {
    rules.signal?.throwIfAborted();
    this.#refuseWaitForItself(party);
    this.#refuseCircle(party);
    if (this.#holder) await this.#wait(party, rules);
    return this.#giveTo(party);
  }

  /** At once, where nobody holds it: then nobody is waiting either, nor could a wait be refused. */
  takeIfFree(party: JobParty): Release | undefined {
    return this.#holder ? undefined : this.#giveTo(party);
  }

  #giveTo(party: JobParty): Release {
    this.#holder = party;
    let held = true;
    return () => {
      if (held) this.#pass();
      held = false;
    };
  }

  /** The next in line holds it from now on, so that nobody who comes meanwhile gets in between. */
  #pass(): void {
    const next = this.#waiters.shift();
    this.#holder = next?.party;
    next?.grant();
  }

  #wait(party: JobParty, { signal, limit = WAIT_LIMIT }: WaitRules): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = (error: unknown): void => {
        this.#waiters = this.#waiters.filter((other) => other !== waiter);
        settle(() => reject(error));
      };
      const abort = (): void => leave(signal!.reason);
      const settle = (how: () => void): void => {
        stop();
        signal?.removeEventListener('abort', abort);
        if (party.isJob) this.awaited.delete(party.jobId!);
        how();
      };
      const waiter: Waiter = { party, grant: () => settle(resolve) };
      const stop = this.#watchOver(party, limit, leave);
      signal?.addEventListener('abort', abort);
      if (party.isJob) this.awaited.set(party.jobId!, this);
      this.#waiters.push(waiter);
    });
  }

  /** Ends a wait at its limit, or before, where a circle has stood for a while. */
  #watchOver(party: JobParty, limit: number, leave: (error: Error) => void): () => void {
    const mayCircle = party.node !== undefined || party.jobs !== undefined;
    if (!mayCircle && limit === Infinity) return () => {};
    let stop = (): void => {};
    const watch = (left: number, wasCircle: boolean): void => {
      const step = mayCircle ? Math.min(left, CIRCLE_TIME) : left;
      const look = (): void => {
        const circle = this.#circleOf(party);
        if (circle && wasCircle) return leave(circle);
        if (left <= step) return leave(this.#tooLong(limit));
        watch(left - step, circle !== undefined);
      };
      // A job that waits here keeps the process alive, as what it waits for may not.
      stop = this.clock.after(step, look, true);
    };
    watch(limit, false);
    return () => stop();
  }

  #tooLong(limit: number): DatabaseBusyError {
    return new DatabaseBusyError(this.title, this.#holder!.title, limit);
  }

  #refuseWaitForItself({ jobId, isJob, title }: LockParty): void {
    if (jobId === undefined || isJob) return;
    const before = [this.#holder, ...this.#waiters.map((waiter) => waiter.party)];
    if (!before.some((other) => other?.isJob && other.jobId === jobId)) return;
    throw new JobTransactionError(
      `${title}, waits for ${this.title}, which the job's own transaction holds until the job ends: this wait would ` +
        'never end. SQLite has one writer at a time: do it within the transaction, or before the job uses the database, ' +
        'or in a database file of its own.',
    );
  }

  /** The waiter is awaited by the job that holds the lock, over others or not: that one would never end. */
  #circleOf(party: JobParty): JobDeadlockError | undefined {
    const holder = this.#holder?.node?.();
    if (!holder) return undefined;
    const circle = party.node?.().circleOver(holder) ?? holder.pathToOneOf(party.jobs ?? []);
    if (!circle) return undefined;
    const title = party.jobs ? 'The record of a job' : party.title;
    return new JobDeadlockError(
      circle,
      `${title} waits to write to ${this.title}, which is held by ${this.#holder!.title}, and that job waits for this ` +
        'one: neither would ever end. SQLite has one writer at a time: let the job await the other before it uses the ' +
        'database, or not at all.',
    );
  }

  /** Two jobs that each hold a file and want the other's. */
  #refuseCircle(party: JobParty): void {
    if (!party.isJob) return;
    const passed = [party];
    let holder = this.#holder;
    while (holder?.isJob && !passed.some(({ jobId }) => jobId === holder?.jobId)) {
      passed.push(holder);
      holder = this.awaited.get(holder.jobId!)?.holder;
    }
    if (passed.length === 1 || holder?.jobId !== party.jobId) return;
    throw new JobDeadlockError(
      passed.map(({ jobId, title }) => ({ id: jobId!, name: title })),
      `${party.title} wants to write to ${this.title}, which is held by ${this.#holder!.title}, which waits for this job in its ` +
        'turn. Write to several databases in the same order in all jobs.',
    );
  }
}
