/** Time as the library sees it, so that tests of rules about time need not wait. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /**
   * Calls back once after `delay` ms, unless the returned function is called before. Keeps the process alive only
   * where `hold` says so.
   */
  after(delay: number, callback: () => void, hold?: boolean): () => void;
}

/** The longest delay of `setTimeout`; it takes a longer one for 1 ms. */
const LONGEST_TIMEOUT = 2 ** 31 - 1;

/** The clock of the machine. */
export const systemClock: Clock = {
  now: () => Date.now(),
  after(delay, callback, hold = false) {
    let timer: NodeJS.Timeout;
    const arm = (left: number): void => {
      const step = Math.min(left, LONGEST_TIMEOUT);
      timer = setTimeout(() => (left > step ? arm(left - step) : callback()), step);
      if (!hold) timer.unref?.();
    };
    arm(delay);
    return () => clearTimeout(timer);
  },
};
