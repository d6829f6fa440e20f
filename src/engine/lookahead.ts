import type { Clock } from '../job/clock.js';

/** How long a job may be expected to wait for its place once it is made ready; in ms. */
const MOMENT = 20;
/** Ends are counted by spans of so many ms. */
const SPAN = 50;

/**
 * How many jobs to make ready before there are places for them: as many as get theirs within a moment, at the pace at
 * which jobs have ended of late. What it takes to make them ready is then done for several at once. Where jobs take
 * long there are none: a job that waits for long is one that waits in line.
 */
export class Lookahead {
  #span = 0;
  #ends = 0;
  #endsBefore = 0;

  constructor(
    private readonly clock: Clock,
    private readonly most: number,
  ) {}

  /** A job has ended. */
  ended(): void {
    this.#turn();
    this.#ends += 1;
  }

  get size(): number {
    if (this.#ends + this.#endsBefore === 0) return 0;
    this.#turn();
    const expected = ((this.#ends + this.#endsBefore) * MOMENT) / (2 * SPAN);
    return Math.min(this.most, Math.floor(expected));
  }

  #turn(): void {
    const span = Math.floor(this.clock.now() / SPAN);
    if (span === this.#span) return;
    this.#endsBefore = span === this.#span + 1 ? this.#ends : 0;
    this.#ends = 0;
    this.#span = span;
  }
}
