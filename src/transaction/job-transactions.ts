import type { Logger } from '@nestjs/common';
import { BackgroundOptionsError } from '../errors/setup.errors.js';
import type { Clock } from '../job/clock.js';
import type { JobDefinition } from '../registry/job-definition.js';
import { JobTransaction } from './job-transaction.js';
import { sewSeam } from './query-runner-seam.js';
import { journalWarning } from './sqlite/journal-warning.js';
import type { DataSourceLike } from './typeorm-shape.js';

/** After so many ms with rows written and not committed, the log says so: such a transaction slows the whole database. */
const LONG_WRITE = 30_000;

/** How many connections a pool has where its options do not say, for PostgreSQL and MySQL alike. */
const DEFAULT_POOL = 10;

/** Gives each job its transaction, on the DataSources of the application. */
export class JobTransactions {
  #dataSources: ReadonlyMap<string, DataSourceLike> = new Map();

  constructor(
    private readonly clock: Clock,
    private readonly logger: Logger,
    private readonly concurrency: number,
  ) {}

  /** Joins the application's DataSources, by name, to the transactions of its jobs. */
  connect(dataSources: ReadonlyMap<string, DataSourceLike>): void {
    this.#dataSources = dataSources;
    for (const [name, dataSource] of dataSources) this.#connectOne(name, dataSource);
  }

  /** @throws BackgroundOptionsError where the job names a DataSource that there is not, or asks for what none can do. */
  check({ name, transaction }: JobDefinition): void {
    if (!transaction) return;
    const asked = typeof transaction === 'object' ? transaction.dataSource : undefined;
    const known = [...this.#dataSources.keys()];
    const isThere = asked === undefined ? known.length > 0 : known.includes(asked);
    if (!isThere) throw noDataSource(name, asked, known);
    if (asked !== undefined && !isTransactional(this.#dataSources.get(asked)!)) {
      throw notTransactional(name, asked);
    }
  }

  /** The transaction for an attempt; `undefined` where there is no database, or the job wants none. */
  forJob({ name, transaction }: JobDefinition, id: string): JobTransaction | undefined {
    if (transaction === false || this.#dataSources.size === 0) return undefined;
    const asked = typeof transaction === 'object' ? transaction : {};
    const covered = asked.dataSource && this.#dataSources.get(asked.dataSource);
    return new JobTransaction({
      jobId: id,
      jobName: name,
      isolation: asked.isolation,
      covers: (dataSource) => isTransactional(dataSource) && (!covered || dataSource === covered),
      onWrite: () => this.#watchWrite(name, id),
    });
  }

  #connectOne(name: string, dataSource: DataSourceLike): void {
    if (!isTransactional(dataSource)) {
      return this.logger.warn(
        `DataSource "${name}" (${dataSource.options.type}) knows no transactions: what jobs write there is not undone ` +
          'when they fail. Keep what must be all or nothing in another database.',
      );
    }
    sewSeam(dataSource);
    const warning = journalWarning(name, dataSource);
    if (warning) this.logger.warn(warning);
    this.#warnOfSmallPool(name, dataSource);
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
    return this.clock.after(LONG_WRITE, () =>
      this.logger.warn(
        `Job ${name} (${id}) has had a transaction with written rows open for ${LONG_WRITE / 1000} s, which holds locks ` +
          'and keeps the database from cleaning up. Write late: compute first, save at the end.',
      ),
    );
  }
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
