import { runInTransaction } from '../context/scope.js';
import type { OpenTransaction } from '../tracker/job-tracker.js';
import { AmbientTransaction, currentTransaction } from './ambient-transaction.js';
import { isSqlite } from './sqlite/sqlite-shape.js';
import type {
  DataSourceLike,
  EntityManagerLike,
  QueryRunnerLike,
  TransactionCallback,
} from './typeorm-shape.js';

const NOTICED = Symbol('nestjs-background:noticed');

/** Within the callback of `manager.transaction`: jobs called here are stored in it, and start when it is committed. */
class CallbackTransaction extends AmbientTransaction {
  readonly #open: OpenTransaction;

  constructor(
    outer: AmbientTransaction | undefined,
    private readonly dataSource: DataSourceLike,
    private readonly runner: QueryRunnerLike,
  ) {
    super(outer);
    this.#open = { dataSource, query: runner.query.bind(runner) };
  }

  override openTransactions(): OpenTransaction[] {
    return [this.#open, ...(this.outer?.openTransactions() ?? [])];
  }

  /** On SQLite, whatever runs here is in the transaction: it always was, on the one connection, and can be nowhere else. */
  override runnerFor(dataSource: DataSourceLike): QueryRunnerLike | undefined {
    const isHere = dataSource === this.dataSource && isSqlite(dataSource);
    return super.runnerFor(dataSource) ?? (isHere ? this.runner : undefined);
  }

  override isIn(runner: QueryRunnerLike): boolean {
    return runner === this.runner || super.isIn(runner);
  }
}

/** Has a manager's transactions noticed, so that jobs called in them wait for the commit. */
export function noticeTransactions(manager: EntityManagerLike, dataSource: DataSourceLike): void {
  const noticed = manager as EntityManagerLike & { [NOTICED]?: true };
  if (noticed[NOTICED]) return;
  noticed[NOTICED] = true;
  const transaction = manager.transaction.bind(manager);
  manager.transaction = (isolationOrRun, run) =>
    typeof isolationOrRun === 'function'
      ? noticedTransaction(dataSource, isolationOrRun, (noticing) => transaction(noticing))
      : noticedTransaction(dataSource, run!, (noticing) => transaction(isolationOrRun, noticing));
}

type Begin = (run: TransactionCallback) => Promise<unknown>;

async function noticedTransaction(
  dataSource: DataSourceLike,
  run: TransactionCallback,
  begin: Begin,
): Promise<unknown> {
  const outer = currentTransaction();
  let entered: CallbackTransaction | undefined;
  let isSavepoint = false;
  // What was written before a savepoint must not be undone with it.
  if (outer) await outer.hooks.settled();
  try {
    const result = await begin((manager) => {
      const runner = manager.queryRunner!;
      isSavepoint = outer !== undefined && isNested(outer, dataSource, runner);
      if (isSavepoint) outer!.entersSavepoint(runner);
      entered = new CallbackTransaction(outer, dataSource, runner);
      noticeTransactions(manager, dataSource);
      return runInTransaction(entered, () => runAndWrite(entered!, manager, run));
    });
    if (isSavepoint) entered?.hooks.joinOuter(outer!.hooks);
    else entered?.hooks.committed();
    return result;
  } catch (error) {
    entered?.hooks.rolledBack();
    throw error;
  }
}

async function runAndWrite(
  { hooks }: CallbackTransaction,
  manager: EntityManagerLike,
  run: TransactionCallback,
): Promise<unknown> {
  try {
    const result = await run(manager);
    await hooks.written();
    return result;
  } catch (error) {
    // Nor may anything be written after the rollback that is to be undone with the rest.
    await hooks.settled();
    throw error;
  }
}

/** In a job, every transaction is a savepoint of the job's; elsewhere, one on a runner that is in one already. */
function isNested(
  outer: AmbientTransaction,
  dataSource: DataSourceLike,
  runner: QueryRunnerLike,
): boolean {
  return outer.isIn(runner) || outer.runnerFor(dataSource) !== undefined;
}
