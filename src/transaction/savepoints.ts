import { currentTransaction, type AmbientTransaction } from './ambient-transaction.js';
import { CommitHooks } from './commit-hooks.js';
import { overlap } from './mistakes.js';
import type { QueryRunnerLike } from './typeorm-shape.js';

interface Savepoint {
  readonly runner: QueryRunnerLike;
  /** What the code that began it runs in. */
  readonly outer: AmbientTransaction | undefined;
  /** Of jobs that are called in it, where it was begun by hand. */
  readonly hooks: CommitHooks;
  /** Whether it is that of a callback, which runs in it by its context. */
  isEntered: boolean;
}

/** The savepoints that are open on a job's connection, each begun by a query runner within the one before. */
export class Savepoints {
  #open: Savepoint[] = [];

  get areAny(): boolean {
    return this.#open.length > 0;
  }

  isOf(runner: QueryRunnerLike): boolean {
    return this.#open.some((savepoint) => savepoint.runner === runner);
  }

  begin(runner: QueryRunnerLike): void {
    const outer = currentTransaction();
    this.#open.push({ runner, outer, hooks: new CommitHooks(), isEntered: outer === undefined });
  }

  /** It could not be begun. */
  forget(runner: QueryRunnerLike): void {
    this.#open = this.#open.filter((savepoint) => savepoint.runner !== runner);
  }

  /** It is that of a callback. */
  enter(runner: QueryRunnerLike): void {
    for (const savepoint of this.#open) if (savepoint.runner === runner) savepoint.isEntered = true;
  }

  /**
   * Of the innermost, if it was begun by hand: nothing tells then whether code runs in it but that it has begun, and not
   * ended.
   */
  get byHand(): CommitHooks | undefined {
    const innermost = this.#open.at(-1);
    return innermost?.isEntered === false ? innermost.hooks : undefined;
  }

  /** Whoever is not in the innermost would be undone with what it has nothing to do with. @throws JobTransactionError */
  refuseOverlap(from: QueryRunnerLike | undefined): void {
    const innermost = this.#open.at(-1);
    if (!innermost || innermost.runner === from) return;
    // A tracker stores a job that is called there.
    if (!from && !innermost.isEntered) return;
    if (!currentTransaction()?.isIn(innermost.runner)) throw overlap();
  }

  /** What jobs that were called in it are to be stored with is written. @throws what it failed with */
  async written(runner: QueryRunnerLike): Promise<void> {
    await this.#innermostOf(runner).hooks.written();
  }

  async settled(runner: QueryRunnerLike): Promise<void> {
    await this.#innermostOf(runner).hooks.settled();
  }

  /** @returns What is to be called when it has been released: the jobs called in it wait for what is around it. */
  release(runner: QueryRunnerLike): () => void {
    const { hooks, outer } = this.#leave(runner);
    return () => outer && hooks.joinOuter(outer.hooks);
  }

  /** @returns What is to be called when it has been rolled back. */
  rollBack(runner: QueryRunnerLike): () => void {
    const { hooks } = this.#leave(runner);
    return () => hooks.rolledBack();
  }

  /** All of them, with the transaction. */
  rolledBack(): void {
    this.#open.splice(0).forEach(({ hooks }) => hooks.rolledBack());
  }

  #leave(runner: QueryRunnerLike): Savepoint {
    const savepoint = this.#innermostOf(runner);
    this.#open.pop();
    return savepoint;
  }

  #innermostOf(runner: QueryRunnerLike): Savepoint {
    const innermost = this.#open.at(-1);
    if (innermost?.runner !== runner) throw overlap();
    return innermost;
  }
}

/** Out of savepoints that the job has left open, too: each rollback leaves one. */
export async function rollBackWhole(runner: QueryRunnerLike): Promise<void> {
  do await runner.rollbackTransaction();
  while (runner.isTransactionActive);
}
