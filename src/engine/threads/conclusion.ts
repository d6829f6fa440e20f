import type { OpenTransaction } from '../../tracker/job-tracker.js';
import { placeOf } from '../../transaction/database-place.js';
import type { JobTransaction } from '../../transaction/job-transaction.js';
import type { DataSourceLike } from '../../transaction/typeorm-shape.js';
import { crossingOf, type CrossingError } from './line.js';
import type { Ending, MarkQuestion, ThreadQuestion } from './thread-messages.js';

/** The end of a call in its thread: its transaction stays open until the main thread says what becomes of it. */
export class Conclusion {
  /** Fulfilled when it is known what has become of it. */
  readonly reached: Promise<void>;
  #transaction: JobTransaction | undefined;
  #isOver = false;
  #reach!: () => void;
  #open: readonly OpenTransaction[] = [];

  constructor(private readonly mark: (question: MarkQuestion) => Promise<number | undefined>) {
    this.reached = new Promise((resolve) => (this.#reach = resolve));
  }

  get transaction(): JobTransaction | undefined {
    return this.#transaction;
  }

  /** The method is about to begin. Where the call was stopped meanwhile, there is nothing left to be committed in. */
  enter(transaction: JobTransaction | undefined): void {
    this.#transaction = transaction;
    if (this.#isOver) void transaction?.rollBack();
  }

  /** What the main thread says. */
  async answer(question: ThreadQuestion): Promise<unknown> {
    if (question.what === 'query') return this.#query(question);
    this.#isOver = true;
    const fault = await this.#end(question.what);
    this.#reach();
    return { fault, isCutOff: this.#transaction?.isCutOff ?? false } satisfies Ending;
  }

  async #end(how: 'commit' | 'roll back'): Promise<CrossingError | undefined> {
    try {
      if (how === 'commit') await this.#commit();
      else await this.#transaction?.rollBack();
      return undefined;
    } catch (error) {
      return crossingOf(error);
    }
  }

  #query({ index, sql, parameters }: ThreadQuestion & { what: 'query' }): Promise<unknown> {
    return this.#open[index]!.query(sql, parameters);
  }

  async #commit(): Promise<void> {
    await this.#transaction?.commit(async (open) => {
      this.#open = open;
      const places = open.map(({ dataSource }) => placeOf(dataSource as DataSourceLike));
      const last = await this.mark({ places });
      return last === undefined ? undefined : open[last];
    });
  }
}
