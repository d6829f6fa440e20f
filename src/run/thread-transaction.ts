import type { ThreadDatabase, ThreadRun } from '../engine/thread-pool.js';
import type { MaybePromise } from '../job/maybe-promise.js';
import type { OpenTransaction } from '../tracker/job-tracker.js';
import type { ConcludableTransaction } from '../transaction/job-transaction.js';
import type { JobTransactions } from '../transaction/job-transactions.js';

interface Joined {
  readonly open: OpenTransaction;
  readonly database: ThreadDatabase;
}

/**
 * The transaction of an attempt in its thread, as the runner ends it. What is open there is open for the tracker here
 * too: where a DataSource of this application is connected to the same database, its statements are run in the thread.
 */
export class ThreadTransaction implements ConcludableTransaction {
  hasWritten = false;
  #mayBeCommitted = false;

  constructor(
    private readonly run: ThreadRun,
    private readonly transactions: JobTransactions,
  ) {}

  get isCutOff(): boolean {
    return this.run.isCutOff;
  }

  get isUndone(): boolean {
    return this.hasWritten && !this.#mayBeCommitted;
  }

  async commit(
    mark: (open: OpenTransaction[]) => MaybePromise<OpenTransaction | undefined>,
  ): Promise<void> {
    this.#mayBeCommitted = true;
    let refused: { readonly error: unknown } | undefined;
    try {
      await this.run.commit(async (databases) => {
        const joined = databases.flatMap((database) => this.#join(database));
        try {
          const marked = await mark(joined.map(({ open }) => open));
          return joined.find(({ open }) => open === marked)?.database;
        } catch (error) {
          refused = { error };
          throw error;
        }
      });
    } catch (error) {
      // The very error, not what has come back of it from the thread.
      throw refused ? refused.error : error;
    }
  }

  rollBack(): Promise<void> {
    return this.run.rollBack();
  }

  #join(database: ThreadDatabase): Joined[] {
    const query = database.query.bind(database);
    return this.transactions
      .at(database.place)
      .map((dataSource) => ({ database, open: { dataSource, query } }));
  }
}
