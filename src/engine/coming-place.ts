/** The place of a job that is made ready before there is one. */
export class ComingPlace {
  #isGiven = false;
  #begin: (() => void) | undefined;

  /** Whether the job is ready, and waits for it. */
  get isAwaited(): boolean {
    return this.#begin !== undefined;
  }

  give(): void {
    this.#isGiven = true;
    this.#begin?.();
  }

  /** Fulfilled when it is there; `undefined` where it is there by now. */
  readonly take = (): Promise<void> | undefined => {
    if (this.#isGiven) return undefined;
    return new Promise((resolve) => (this.#begin = resolve));
  };
}
