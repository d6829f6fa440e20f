// From the module, not the global, so that a test's fake timers cannot stop it.
import { setImmediate } from 'node:timers';

interface Request<T, R> {
  readonly item: T;
  resolve(result: R): void;
  reject(error: unknown): void;
}

/**
 * Gathers what is asked for while statements are on their way, and does it with the next one: under load one round
 * trip and one commit of the database serve many. A request that comes alone goes at once.
 */
export class GroupCommit<T, R> {
  #waiting: Request<T, R>[] = [];
  #running = 0;
  #isAsked = false;

  /**
   * @param work Does all at once, and gives a result for each.
   * @param limits How many statements are on their way at the same time, and how many requests one serves at most.
   * @param isOfOne Whether an error may be the fault of one of them, with nothing done: then each is tried alone. Where
   * all that is lost is the answer, who asked must hear of it, and not of a second try.
   */
  constructor(
    private readonly work: (items: readonly T[]) => Promise<readonly R[]>,
    private readonly limits: { readonly lanes: number; readonly size: number },
    private readonly isOfOne: (error: unknown) => boolean,
  ) {}

  add(item: T): Promise<R> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject });
      this.#ask();
    });
  }

  /** What is asked for in one turn of the event loop, by whomever, is done in one go. */
  #ask(): void {
    if (this.#isAsked) return;
    this.#isAsked = true;
    setImmediate(() => {
      this.#isAsked = false;
      while (this.#waiting.length > 0 && this.#running < this.limits.lanes) void this.#serveNext();
    });
  }

  async #serveNext(): Promise<void> {
    const group = this.#waiting.splice(0, this.limits.size);
    this.#running += 1;
    await this.#serve(group);
    this.#running -= 1;
    if (this.#waiting.length > 0) this.#ask();
  }

  async #serve(group: readonly Request<T, R>[]): Promise<void> {
    try {
      const results = await this.work(group.map(({ item }) => item));
      group.forEach(({ resolve }, place) => resolve(results[place]!));
    } catch (error) {
      if (group.length === 1 || !this.isOfOne(error)) group.forEach(({ reject }) => reject(error));
      else await Promise.all(group.map((request) => this.#serve([request])));
    }
  }
}
