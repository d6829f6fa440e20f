/** What is to be done once a transaction has ended, one way or the other. */
export class CommitHooks {
  #afterCommit: (() => void)[] = [];
  #afterRollback: (() => void)[] = [];
  /** How much is being written. */
  #writing = 0;
  #failure: { readonly error: unknown } | undefined;
  #whenSettled: (() => void)[] | undefined;

  /** Something is being written in the transaction, without which it must not be committed. */
  addWrite(write: Promise<void>): void {
    this.#writing += 1;
    write.then(
      () => this.#wrote(),
      (error: unknown) => this.#failed(error),
    );
  }

  /** Before a commit. Rejects where a write has failed: then the transaction is to be rolled back. */
  written(): Promise<void> | undefined {
    return this.#writing > 0 || this.#failure ? this.#allWritten() : undefined;
  }

  async #allWritten(): Promise<void> {
    await this.settled();
    if (this.#failure) throw this.#failure.error;
  }

  /** Nothing is being written any more, whether or not it could be. */
  async settled(): Promise<void> {
    if (this.#writing === 0) return;
    await new Promise<void>((resolve) => (this.#whenSettled ??= []).push(resolve));
  }

  #wrote(): void {
    this.#writing -= 1;
    if (this.#writing > 0) return;
    const waiting = this.#whenSettled;
    this.#whenSettled = undefined;
    waiting?.forEach((resolve) => resolve());
  }

  #failed(error: unknown): void {
    this.#failure ??= { error };
    this.#wrote();
  }

  add(afterCommit: () => void, afterRollback: () => void): void {
    this.#afterCommit.push(afterCommit);
    this.#afterRollback.push(afterRollback);
  }

  committed(): void {
    this.#take(this.#afterCommit);
  }

  rolledBack(): void {
    this.#take(this.#afterRollback);
  }

  /** A savepoint was released: what it held depends on the transaction around it now. */
  joinOuter(outer: CommitHooks): void {
    outer.#afterCommit = outer.#afterCommit.concat(this.#afterCommit);
    outer.#afterRollback = outer.#afterRollback.concat(this.#afterRollback);
    this.#clear();
  }

  #take(callbacks: readonly (() => void)[]): void {
    this.#clear();
    callbacks.forEach((callback) => callback());
  }

  #clear(): void {
    this.#afterCommit = [];
    this.#afterRollback = [];
  }
}
