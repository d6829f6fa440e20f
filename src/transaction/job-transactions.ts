import type { Logger } from '@nestjs/common';
import { BackgroundOptionsError } from '../errors/setup.errors.js';
import type { Clock } from '../job/clock.js';
import { SharedDelay } from '../job/shared-delay.js';
import type { WaitNode } from '../future/wait-graph.js';
import type { FileLocks, LockParty, Release, WaitRules } from '../engine/file-locks.js';
import type { JobDefinition } from '../registry/job-definition.js';
import { placeOf } from './database-place.js';
import { JobTransaction } from './job-transaction.js';
import { sewSeam } from './query-runner-seam.js';
import { journalWarning } from './sqlite/journal-warning.js';
import { fileLock } from './sqlite/lock-registry.js';
import { databaseOf } from './sqlite/sqlite-database.js';
import { isSqlite, type SqliteDriverLike } from './sqlite/sqlite-shape.js';
import type { DataSourceLike } from './typeorm-shape.js';

/** After so many ms with rows written and not committed, the log says so: such a transaction slows the whole database. */
const LONG_WRITE = 30_000;

/** How many connections a pool has where its options do not say, for PostgreSQL and MySQL alike. */
const DEFAULT_POOL = 10;

/** The DataSources of an application, by name. */
export type FindDataSources = () => ReadonlyMap<string, DataSourceLike>;

/** What a job says of its transaction. */
export type TransactionWish = Pick<JobDefinition, 'name' | 'transaction'> &
  Partial<Pick<JobDefinition, 'thread'>>;

/** A job, as its transaction knows it. */
export interface JobInTransaction {
  /** Its transaction has written. */
  wrote(): void;
  /** Another job could go on on its connection. */
  passOn?(): void;
  /** The job among those that wait for each other. */
  node?(): WaitNode;
  /** Has another job run in its place while it waits; what it gives takes the place back. */
  lend?(awaited: WaitNode): () => void;
}

/** Gives each job its transaction, on the DataSources of the application. */
export class JobTransactions implements FileLocks {
  #dataSources: ReadonlyMap<string, DataSourceLike> = new Map();
  readonly #connected = new Set<DataSourceLike>();
  #isComplete = false;
  /** Of files that this application does not write to itself, but its threads do. */
  readonly #threadLocks = {};
  readonly #longWrites: SharedDelay;

  constructor(
    clock: Clock,
    private readonly logger: Logger,
    private readonly concurrency: number,
    /** In a thread: the way to the locks of the process. */
    private readonly borrowed?: FileLocks,
    /** Those of the application that there are so far. */
    private readonly findDataSources?: FindDataSources,
  ) {
    this.#longWrites = new SharedDelay(clock, LONG_WRITE);
  }

  /** Joins the application's DataSources, by name, to the transactions of its jobs. */
  connect(dataSources: ReadonlyMap<string, DataSourceLike>): void {
    this.#isComplete = true;
    this.#connectAll(dataSources);
  }

  /** Whether a job can have a transaction. Also before the application is initialized, when it is seeded, say. */
  get hasDatabase(): boolean {
    if (!this.#isComplete && this.findDataSources) this.#connectAll(ready(this.findDataSources()));
    return this.#dataSources.size > 0;
  }

  /** @throws BackgroundOptionsError where the job names a DataSource that there is not, or asks for what none can do. */
  check({ name, transaction, thread }: TransactionWish): void {
    // The DataSources of a thread are those of its own application.
    if (!transaction || thread) return;
    const asked = typeof transaction === 'object' ? transaction.dataSource : undefined;
    const known = [...this.#dataSources.keys()];
    const isThere = asked === undefined ? known.length > 0 : known.includes(asked);
    if (!isThere) throw noDataSource(name, asked, known);
    const meant = asked === undefined ? known : [asked];
    const dataSources = meant.map((one) => this.#dataSources.get(one)!);
    if (!dataSources.some(isTransactional)) throw notTransactional(name, meant.join('", "'));
  }

  /**
   * The transaction for an attempt; `undefined` where there is no database, or the job wants none.
   * @param onBegin Called when it is about to begin, on each DataSource.
   */
  forJob(
    { name, transaction, thread }: TransactionWish,
    id: string,
    job: JobInTransaction,
    onBegin?: () => void,
  ): JobTransaction | undefined {
    if (transaction === false || thread || this.#dataSources.size === 0) return undefined;
    const asked = typeof transaction === 'object' ? transaction : {};
    const covered = asked.dataSource && this.#dataSources.get(asked.dataSource);
    return new JobTransaction({
      jobId: id,
      jobName: name,
      node: job.node && (() => job.node!()),
      lend: job.lend && ((awaited) => job.lend!(awaited)),
      isolation: asked.isolation,
      onBegin,
      passOn: () => job.passOn?.(),
      covers: (dataSource) => isTransactional(dataSource) && (!covered || dataSource === covered),
      onWrite: () => {
        job.wrote();
        return this.#watchWrite(name, id);
      },
    });
  }

  /** The DataSources of the application that are connected to a place. */
  at(place: string | undefined): DataSourceLike[] {
    if (place === undefined) return [];
    return [...this.#dataSources.values()].filter((dataSource) => placeOf(dataSource) === place);
  }

  /** The lock of a database file, for a thread that writes to it. */
  take(file: string, party: LockParty, rules?: WaitRules): Promise<Release> {
    const own = [...this.#dataSources.values()].find(isSqlite);
    return fileLock((own?.driver ?? this.#threadLocks) as SqliteDriverLike, file).take(
      party,
      rules,
    );
  }

  #connectAll(dataSources: ReadonlyMap<string, DataSourceLike>): void {
    this.#dataSources = dataSources;
    for (const [name, dataSource] of dataSources) {
      if (!this.#connected.has(dataSource)) this.#connectOne(name, dataSource);
      this.#connected.add(dataSource);
    }
  }

  #connectOne(name: string, dataSource: DataSourceLike): void {
    if (!isTransactional(dataSource)) {
      return this.logger.warn(
        `DataSource "${name}" (${dataSource.options.type}) knows no transactions: what jobs write there is not undone ` +
          'when they fail. Keep what must be all or nothing in another database.',
      );
    }
    if (this.borrowed) this.#joinProcess(name, dataSource, this.borrowed);
    sewSeam(dataSource);
    const warning = journalWarning(name, dataSource);
    if (warning) this.logger.warn(warning);
    this.#warnOfSmallPool(name, dataSource);
  }

  #joinProcess(name: string, dataSource: DataSourceLike, locks: FileLocks): void {
    if (!isSqlite(dataSource)) return;
    const database = databaseOf(dataSource);
    database.borrowLocks(locks);
    if (!database.isSingle) return;
    this.logger.warn(
      `DataSource "${name}" of a thread is ${database.title}, which no other thread can see: what jobs write there is not ` +
        'in the database of the application that called them. Use a database file, or leave { thread: true } out.',
    );
  }

  #warnOfSmallPool(name: string, { options }: DataSourceLike): void {
    const { max, connectionLimit } = options.extra ?? {};
    const pool = Number(max ?? connectionLimit ?? options.poolSize ?? DEFAULT_POOL);
    if (!isPooled(options.type) || pool >= this.concurrency) return;
    this.logger.warn(
      `DataSource "${name}" has a pool of ${pool} connections, and up to ${this.concurrency} jobs run at once, each with ` +
        'one of its own: some will wait. Raise { poolSize }, or lower { concurrency }.',
    );
  }

  #watchWrite(name: string, id: string): () => void {
    return this.#longWrites.after(() =>
      this.logger.warn(
        `Job ${name} (${id}) has had a transaction with written rows open for ${LONG_WRITE / 1000} s, which holds locks ` +
          'and keeps the database from cleaning up. Write late: compute first, save at the end.',
      ),
    );
  }
}

function ready(dataSources: ReadonlyMap<string, DataSourceLike>): Map<string, DataSourceLike> {
  return new Map([...dataSources].filter(([, { isInitialized }]) => isInitialized));
}

function isTransactional({ driver }: DataSourceLike): boolean {
  return driver.transactionSupport !== 'none' && driver.transactionSupport !== undefined;
}

function isPooled(type: string): boolean {
  return /postgres|cockroach|mysql|mariadb/.test(type);
}

function noDataSource(
  job: string,
  asked: string | undefined,
  known: readonly string[],
): BackgroundOptionsError {
  const there = known.length === 0 ? 'The application has none' : `There are: ${known.join(', ')}`;
  const missing = asked === undefined ? 'a transaction' : `a transaction on DataSource "${asked}"`;
  return new BackgroundOptionsError(
    'transaction',
    asked,
    `@Background() on ${job} asks for ${missing}. ${there}. Import TypeOrmModule.forRoot(), or correct the name.`,
  );
}

function notTransactional(job: string, asked: string): BackgroundOptionsError {
  return new BackgroundOptionsError(
    'transaction',
    asked,
    `@Background() on ${job} asks for a transaction on DataSource "${asked}", whose driver knows none. ` +
      'Use { transaction: false }, or another DataSource.',
  );
}
