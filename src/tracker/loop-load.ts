import { performance } from 'node:perf_hooks';

/** How much of its time the event loop is to be busy at most: what is left is for what comes meanwhile. */
const BUSY = 0.9;
const LONGEST = 4;
/** Between two looks at it, in ms. */
const WINDOW = 100;

/** Has readers pause longer where the event loop has no time left, so that the jobs that they read are not slowed. */
export class LoopLoad {
  #since = performance.now();
  #use = performance.eventLoopUtilization();
  #stretch = 1;

  /** How many times as long as else, 1 to 4. */
  stretch(): number {
    const now = performance.now();
    if (now - this.#since >= WINDOW) this.#look(now);
    return this.#stretch;
  }

  #look(now: number): void {
    const use = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(use, this.#use);
    this.#since = now;
    this.#use = use;
    // By small steps, since what is seen now is what the last ones did.
    const wanted = this.#stretch * (1 + utilization - BUSY);
    this.#stretch = Math.min(Math.max(wanted, 1), LONGEST);
  }
}
