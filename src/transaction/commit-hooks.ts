/** What is to be done once a transaction has ended, one way or the other. */
export class CommitHooks {
  #afterCommit: (() => void)[] = [];
  #afterRollback: (() => void)[] = [];
  #writes: Promise<void>[] = [];

  /** Something is being written in the transaction, without which it must not be committed. */
  addWrite(write: Promise<void>): void {
    write.catch(() => undefined);
    this.#writes.push(write);
  }

  /** Before a commit. Rejects where a write has failed: then the transaction is to be rolled back. */
  written(): Promise<unknown> | undefined {
    return this.#writes.length > 0 ? Promise.all(this.#writes) : undefined;
  }

  /** Nothing is being written any more, whether or not it could be. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#writes);
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
    outer.#afterCommit.push(...this.#afterCommit);
    outer.#afterRollback.push(...this.#afterRollback);
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
