import { toFailure } from '../errors/failure.js';
import type { JobRecord } from '../job/job.js';
import { attempted, chain, isPromise, type MaybePromise } from '../job/maybe-promise.js';
import type { JobChange } from '../job/state-machine.js';
import type { Attempt } from './attempt.js';
import type { PendingCall } from './pending-call.js';
import type { RunnerSettings } from './runner-settings.js';
import { failure } from './verdict.js';

/** A job of which the start is recorded. */
export type Started = Pick<JobRecord, 'attempt' | 'stalled'>;

const FIRST_PAUSE = 50;
const LONGEST_PAUSE = 2_000;
/** How long a job waits for a tracker that does not answer, in ms. */
const PATIENCE = 60_000;

/**
 * Has changes recorded, also where the tracker does not answer for a while: its database restarts, say. Answers at once
 * where the tracker does, and throws nothing.
 */
export class RecordKeeper {
  #closing = false;
  readonly #pauses = new Set<() => void>();

  constructor(private readonly settings: Pick<RunnerSettings, 'tracker' | 'clock' | 'reporter'>) {}

  /** From now on everything is tried once more, and no longer. */
  close(): void {
    this.#closing = true;
    this.#pauses.forEach((end) => end());
  }

  /** The start of an attempt. Where the answer to it was lost, the attempt that has begun is ended, and another begun. */
  start(call: PendingCall): MaybePromise<Started | undefined> {
    const { kept } = call;
    return kept ? kept.change({ type: 'start', at: this.settings.clock.now() }) : this.#start(call);
  }

  #start(call: PendingCall): MaybePromise<JobRecord | undefined> {
    const start = (): MaybePromise<JobRecord | undefined> =>
      this.settings.tracker.change(call.id, { type: 'start', at: this.settings.clock.now() });
    const first = attempted(start);
    return isPromise(first)
      ? first.catch((error: unknown) => this.#startAgain(call, start, error))
      : first;
  }

  async #startAgain(
    { id, attempts }: PendingCall,
    start: () => MaybePromise<JobRecord | undefined>,
    error: unknown,
  ): Promise<JobRecord | undefined> {
    const started = await this.#persist(start, error);
    if (started) return started;
    const stall = { type: 'stall', at: this.settings.clock.now() } as const;
    await this.#insist(() => this.settings.tracker.change(id, stall, attempts + 1));
    return this.#insist(start);
  }

  /**
   * The end of an attempt. Where it is not known whether a COMMIT has held, this is what decides: the database has the
   * change wait for a COMMIT that is on its way, and refuses it where the mark "completed" was committed.
   */
  end(attempt: Attempt, change: JobChange): MaybePromise<JobRecord | undefined> {
    const { call, number, isInDoubt } = attempt;
    if (call.kept) {
      call.kept.change(change, number);
      return undefined;
    }
    return chain(
      this.#insist(() => this.settings.tracker.change(call.id, change, number)),
      (ended) =>
        ended || !(isInDoubt || this.settings.tracker.shared) ? undefined : this.#lookWhy(attempt),
    );
  }

  /** The end was refused: the job has ended otherwise, or goes on elsewhere. */
  async #lookWhy(attempt: Attempt): Promise<JobRecord | undefined> {
    const { call, number, isInDoubt } = attempt;
    const found = await this.#insist(() => this.settings.tracker.find(call.id));
    if (isInDoubt && found?.state === 'completed' && found.attempt === number) return found;
    attempt.elsewhere = found;
    return undefined;
  }

  /**
   * The result cannot be stored: it is too large, say. The job is told of as failed, not as running for ever.
   * @throws the error
   */
  async endAsFailed(attempt: Attempt, at: number, error: unknown): Promise<never> {
    try {
      await this.end(attempt, failure(error, at));
    } catch {
      // What came first is what is told.
    }
    throw error;
  }

  /** Nobody waits for it any more; but when the tracker answers, the job shall end, or be run again. */
  endLater(attempt: Attempt, change: JobChange): void {
    const { reporter } = this.settings;
    void this.#endSomeTime(attempt, change).catch((error: unknown) =>
      reporter.trackerFailed(attempt.call, 'record its end', error),
    );
  }

  async #endSomeTime(attempt: Attempt, change: JobChange): Promise<void> {
    const isAgain = change.type === 'stall' || change.type === 'reschedule';
    const end: JobChange = isAgain ? { type: 'release', at: change.at } : change;
    const { call, number } = attempt;
    // Where it has no number its start was never recorded: then there is nothing that another attempt could be.
    await this.#insist(
      () => this.settings.tracker.change(call.id, end, number || undefined),
      Infinity,
    );
  }

  /**
   * Removes what may be stored of a call that was refused. Where the tracker does not answer it is done when it does,
   * and nobody waits for that: what was stored although the answer was lost would stay queued with nobody to run it.
   */
  forget(call: PendingCall): Promise<unknown> | undefined {
    const { tracker, reporter } = this.settings;
    const doing = 'forget it';
    const forget = (): MaybePromise<void> => tracker.forget(call.id);
    return reporter.unharmed(call, doing, () => {
      const first = attempted(forget);
      if (!isPromise(first)) return undefined;
      return first.catch((error: unknown) => {
        if (!this.isUnavailable(error)) throw error;
        void reporter.unharmed(call, doing, () => this.#persist(forget, error, Infinity));
      });
    });
  }

  /** The record of a call that was cancelled while it was in a transaction that was open. */
  async cancelled(call: PendingCall, error: Error): Promise<void> {
    const { tracker, clock, reporter } = this.settings;
    const change = { type: 'cancel', at: clock.now(), error: toFailure(error) } as const;
    await reporter.unharmed(call, 'record that it is cancelled', () =>
      this.#insist(() => tracker.change(call.id, change), Infinity),
    );
  }

  isUnavailable(error: unknown): boolean {
    return this.settings.tracker.isUnavailable?.(error) ?? false;
  }

  #insist<T>(work: () => MaybePromise<T>, patience = PATIENCE): MaybePromise<T> {
    const first = attempted(work);
    return isPromise(first)
      ? first.catch((error: unknown) => this.#persist(work, error, patience))
      : first;
  }

  async #persist<T>(work: () => MaybePromise<T>, first: unknown, patience = PATIENCE): Promise<T> {
    const deadline = this.settings.clock.now() + patience;
    let last = first;
    for (let pause = FIRST_PAUSE; ; pause = Math.min(2 * pause, LONGEST_PAUSE)) {
      const isOver = this.#closing || this.settings.clock.now() + pause > deadline;
      if (isOver || !this.isUnavailable(last)) throw last;
      await this.#pause(pause);
      try {
        return await work();
      } catch (error) {
        last = error;
      }
    }
  }

  #pause(wait: number): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        stop();
        this.#pauses.delete(end);
        resolve();
      };
      const stop = this.settings.clock.after(wait, end, true);
      this.#pauses.add(end);
    });
  }
}
