/** One thing that an implementation must do, for any test runner: `it(name, () => run(harness))`. */
export interface ConformanceCase<H> {
  /** A sentence. */
  readonly name: string;
  /** Rejects where it does not hold. */
  run(harness: H): Promise<void>;
}
