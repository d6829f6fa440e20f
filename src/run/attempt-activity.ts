import type { WaitingFor } from '../context/scope.js';
import type { Clock } from '../job/clock.js';
import type { JobActivity } from '../job/job.js';
import type { SharedDelay } from '../job/shared-delay.js';

/** How long a wait must last before anybody is told of it, in ms: most are over before a reader could see them. */
export const MOMENT = 250;

type Wait = NonNullable<JobActivity['waitsFor']>;

/** What an attempt waits for, and since when it has written: made when it first does either, told once it lasts. */
export class AttemptActivity {
  readonly #waits = new Set<{ now: Wait }>();
  #writingSince: number | undefined;
  #told: JobActivity = {};
  #stopTimer: (() => void) | undefined;
  #closed = false;

  constructor(
    private readonly clock: Clock,
    /** Of `MOMENT`, for all attempts. */
    private readonly moment: SharedDelay,
    private readonly tell: (activity: JobActivity) => void,
  ) {}

  /** The attempt begins to wait; the returned function says for what instead, or, given nothing, that it goes on. */
  wait(first: WaitingFor): (next?: WaitingFor) => void {
    const since = this.clock.now();
    const wait = { now: { ...first, since } };
    this.#waits.add(wait);
    this.#lookSoon();
    return (next) => {
      const wasTold = wait.now === this.#told.waitsFor;
      if (next) wait.now = { ...next, since };
      else this.#waits.delete(wait);
      if (wasTold) this.#look();
    };
  }

  /** There are rows in its transaction that are not committed. */
  wrote(): void {
    this.#writingSince ??= this.clock.now();
    this.#lookSoon();
  }

  close(): void {
    this.#closed = true;
    this.#stopTimer?.();
  }

  /** One timer at a time, however often it waits. */
  #lookSoon(): void {
    if (!this.#closed) this.#stopTimer ??= this.moment.after(() => this.#timeIsUp());
  }

  #timeIsUp(): void {
    this.#stopTimer = undefined;
    this.#look();
    this.#lookAgain();
  }

  #look(): void {
    const lasting = [...this.#waits].find(({ now }) => this.#lasts(now.since))?.now;
    const writing = this.#lasts(this.#writingSince) ? this.#writingSince : undefined;
    if (this.#closed) return;
    if (lasting === this.#told.waitsFor && writing === this.#told.writingSince) return;
    this.#told = {
      ...(lasting && { waitsFor: lasting }),
      ...(writing !== undefined && { writingSince: writing }),
    };
    this.tell(this.#told);
  }

  /** What began after the timer was set has its time yet to come. */
  #lookAgain(): void {
    const begun = [...this.#waits].map(({ now }) => now.since).concat(this.#writingSince ?? []);
    const next = begun.find((since) => !this.#lasts(since));
    if (next === undefined || this.#closed) return;
    const wait = next + MOMENT - this.clock.now();
    this.#stopTimer = this.clock.after(wait, () => this.#timeIsUp());
  }

  #lasts(since: number | undefined): boolean {
    return since !== undefined && this.clock.now() - since >= MOMENT;
  }
}
