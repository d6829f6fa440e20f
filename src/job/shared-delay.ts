import type { Clock } from './clock.js';

interface Waiting {
  readonly at: number;
  readonly callback: () => void;
}

/** Many waits of the same length with one timer of the clock: most are called off before their time. */
export class SharedDelay {
  // In the order in which they began, which is that in which they are over.
  readonly #waiting = new Set<Waiting>();
  #stopTimer: (() => void) | undefined;

  /** @param delay In ms. */
  constructor(
    private readonly clock: Clock,
    private readonly delay: number,
  ) {}

  /** Calls back once after the delay, unless the returned function is called before. */
  after(callback: () => void): () => void {
    const waiting = { at: this.clock.now() + this.delay, callback };
    this.#waiting.add(waiting);
    if (!this.#stopTimer) this.#arm(this.delay);
    return () => this.#callOff(waiting);
  }

  #callOff(waiting: Waiting): void {
    if (!this.#waiting.delete(waiting) || this.#waiting.size > 0) return;
    this.#stopTimer?.();
    this.#stopTimer = undefined;
  }

  #arm(delay: number): void {
    this.#stopTimer = this.clock.after(delay, () => this.#callDue());
  }

  #callDue(): void {
    this.#stopTimer = undefined;
    const now = this.clock.now();
    for (const waiting of this.#waiting) {
      if (waiting.at > now) return this.#arm(waiting.at - now);
      this.#waiting.delete(waiting);
      waiting.callback();
    }
  }
}
