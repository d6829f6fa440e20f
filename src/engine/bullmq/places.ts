import { systemClock } from '../../job/clock.js';
import { SharedDelay } from '../../job/shared-delay.js';
import { ComingPlace } from '../coming-place.js';
import type { JobTicket, TakePlace } from '../job-engine.js';
import { Lookahead } from '../lookahead.js';

/** How long a job waits here for a place before it is handed back, since another process may have one; in ms. */
const PATIENCE = 100;

/** The leave to run. */
export interface Place {
  /** Where it may begin only when the job has ended whose place it was. */
  readonly coming: TakePlace | undefined;
}

interface Waiting {
  readonly id: string;
  readonly patience: () => void;
  answer(place: Place | undefined): void;
}

/**
 * How many jobs run at once, and the line of those that were fetched before there is a place for them. Where jobs are
 * short the next ones are here already when they end, and what is told of the one and the other goes together. The time
 * is that of the machine: other processes wait by it.
 */
export class Places {
  readonly #line: Waiting[] = [];
  /** Whose methods are over, with those to tell when their ends are recorded. A job may be delivered twice. */
  readonly #leaving = new Map<JobTicket, () => void>();
  readonly #lookahead: Lookahead;
  readonly #delay = new SharedDelay(systemClock, PATIENCE);
  #taken = 0;
  #lent = 0;
  #closed = false;

  constructor(private readonly count: number) {
    this.#lookahead = new Lookahead(systemClock, count);
  }

  /** How many jobs may be held at once, those in line among them. */
  get most(): number {
    return this.#all + this.#lookahead.size;
  }

  get #all(): number {
    return this.count + this.#lent;
  }

  /**
   * A place for the job, at once or when there is one; `undefined` where it is to be handed back.
   * @param isFirst Somebody who has begun cannot end without it.
   */
  take(id: string, isFirst: boolean): Promise<Place | undefined> {
    if (this.#closed) return Promise.resolve(undefined);
    if (this.#taken < this.#all) {
      this.#taken += 1;
      return Promise.resolve({ coming: undefined });
    }
    return new Promise((answer) => {
      const waiting = { id, answer, patience: this.#delay.after(() => this.#handBack(waiting)) };
      if (isFirst) this.#line.unshift(waiting);
      else this.#line.push(waiting);
    });
  }

  /** The method of a job is over: the next one can be made ready while its end is recorded. */
  vacate(ticket: JobTicket): void {
    this.#lookahead.ended();
    if (this.#taken > this.#all) return;
    const next = this.#line.shift();
    if (!next) return;
    const place = new ComingPlace();
    this.#leaving.set(ticket, () => place.give());
    this.#give(next, place.take);
  }

  /** The job is over, or does not run. */
  leave(ticket: JobTicket): void {
    const begin = this.#leaving.get(ticket);
    this.#leaving.delete(ticket);
    if (begin) return begin();
    this.#taken -= 1;
    this.#giveOut();
  }

  /** One more while a job waits for another, which is the next to have a place; what is taken back may be in use. */
  lend(awaitedId: string): () => void {
    this.#lent += 1;
    const at = this.#line.findIndex(({ id }) => id === awaitedId);
    // What is in line would come before the awaited job, which is in the queue still.
    if (at < 0) this.#empty();
    else this.#line.unshift(...this.#line.splice(at, 1));
    this.#giveOut();
    return () => (this.#lent -= 1);
  }

  /** From now on nothing is given a place. */
  close(): void {
    this.#closed = true;
    this.#empty();
  }

  #giveOut(): void {
    while (this.#taken < this.#all) {
      const next = this.#line.shift();
      if (!next) return;
      this.#taken += 1;
      this.#give(next, undefined);
    }
  }

  #give({ patience, answer }: Waiting, coming: TakePlace | undefined): void {
    patience();
    answer({ coming });
  }

  #empty(): void {
    for (const waiting of this.#line.splice(0)) {
      waiting.patience();
      waiting.answer(undefined);
    }
  }

  #handBack(waiting: Waiting): void {
    this.#line.splice(this.#line.indexOf(waiting), 1);
    waiting.answer(undefined);
  }
}
