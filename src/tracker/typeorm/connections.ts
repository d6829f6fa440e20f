import { setTimeout as wait } from 'node:timers/promises';
import {
  classOfDataSource,
  type DataSourceLike,
  type QueryRunnerLike,
} from './data-source-like.js';
import {
  isHeldByJob,
  withReader,
  withWriterLock,
  writeInLine,
} from '../../transaction/sqlite/writer-access.js';
import {
  keepsSessions,
  learnSessions,
  noteForgetful,
} from '../../transaction/postgres/kept-sessions.js';
import { isForgotten, isStale, queryKept } from '../../transaction/postgres/kept-statements.js';
import { queryClassOf, type PgClient } from '../../transaction/postgres/wire.js';
import { WAIT_LIMIT } from '../../transaction/sqlite/writer-lock.js';
import { DatabaseBusyError } from '../../errors/transaction.errors.js';
import type { Dialect, Outcome } from './dialect.js';

/** Runs one statement; some jobs may not go on before it is run. */
export type Run = (
  sql: string,
  parameters?: readonly unknown[],
  jobs?: readonly string[],
) => Promise<Outcome>;

type SqliteSource = DataSourceLike & Parameters<typeof withReader>[0];

/** As SQLite's driver says it. */
class DatabaseHeldError extends Error {
  readonly code = 'SQLITE_BUSY';
}

const FIRST_PAUSE = 4;
const LONGEST_PAUSE = 250;
/** How long a statement is tried again that finds the database locked; in ms. */
const PATIENCE = 60_000;

/**
 * The tracker's way to the database: connections of its own, with the application's options. Out of the application's
 * pool they would be taken by jobs, each of which waits for its output to be stored while it holds its connection. The
 * application's own DataSource is used only where a database has no more than one connection.
 */
export class Connections {
  readonly #statements = new Map<string, string>();

  private constructor(
    private readonly dataSource: DataSourceLike,
    private readonly dialect: Dialect,
    /** The one whose writers stand in a line, which it knows. */
    private readonly application: DataSourceLike,
  ) {}

  static async open(
    dataSource: DataSourceLike,
    dialect: Dialect,
    count: number,
  ): Promise<Connections> {
    if (hasOneConnection(dataSource)) return new Connections(dataSource, dialect, dataSource);
    const kind = classOfDataSource(dataSource);
    const all = dialect.pushes ? count + 1 : count;
    const own = new kind(dialect.ownOptions(dataSource.options, all));
    await own.initialize();
    const connections = new Connections(own, dialect, dataSource);
    if (dialect.keepsPrepared) await connections.#learnSessions();
    return connections;
  }

  /** One statement, tried again where the database could not take it at that moment. */
  readonly run: Run = (sql, parameters, jobs) => {
    const isInLine = this.#hasLine(sql);
    return this.#patiently(() =>
      isInLine ? this.#inLine(sql, parameters, jobs) : this.#once(sql, parameters, jobs),
    );
  };

  /** The same for what is asked for again and again, always in the same words. */
  readonly runOften: Run = (sql, parameters = [], jobs) => {
    if (!keepsSessions(this.dataSource)) return this.run(sql, parameters, jobs);
    return this.#patiently(() => this.#kept(this.statement(sql), parameters));
  };

  /** The same for what can wait in memory: where there is one writer it is tried once. */
  readonly runIfFree: Run = (sql, parameters) => {
    if (!this.dialect.hasOneWriter) return this.run(sql, parameters);
    return isHeldByJob(this.application as SqliteSource)
      ? Promise.reject(new DatabaseHeldError('A job writes to the database.'))
      : this.#once(sql, parameters);
  };

  /** A statement on a connection of somebody else's, such as one with a job's transaction. */
  async runOn(
    runner: Pick<QueryRunnerLike, 'query'>,
    sql: string,
    parameters: readonly unknown[] = [],
  ): Promise<Outcome> {
    return this.dialect.outcome(await runner.query(this.statement(sql), [...parameters]));
  }

  async #kept(sql: string, parameters: readonly unknown[]): Promise<Outcome> {
    const { runner, client } = await this.hold<PgClient>();
    try {
      const kind = queryClassOf(client);
      if (!kind) return this.dialect.outcome(await runner.query(sql, [...parameters]));
      const { rows, rowCount } = await queryKept(client, kind, sql, parameters);
      return { rows, changed: rowCount ?? 0 };
    } catch (error) {
      if (!isStale(error)) throw error;
      if (isForgotten(error)) noteForgetful(this.dataSource);
      return this.dialect.outcome(await runner.query(sql, [...parameters]));
    } finally {
      await runner.release();
    }
  }

  async #learnSessions(): Promise<void> {
    const { runner, client } = await this.hold<PgClient>();
    try {
      await learnSessions(this.dataSource, client);
    } finally {
      await runner.release();
    }
  }

  /** A connection that is kept, and the driver's own idea of it. */
  async hold<T>(): Promise<{ runner: QueryRunnerLike; client: T }> {
    const runner = this.dataSource.driver.createQueryRunner('master');
    return { runner, client: (await runner.connect()) as T };
  }

  async close(): Promise<void> {
    if (this.#isOwn && this.dataSource.isInitialized) await this.dataSource.destroy();
  }

  #once(sql: string, parameters?: readonly unknown[], jobs?: readonly string[]): Promise<Outcome> {
    const work = (runner: Pick<QueryRunnerLike, 'query'>): Promise<Outcome> =>
      this.runOn(runner, sql, parameters);
    if (this.#isOwn) return this.#connected(work);
    const only = this.dataSource as SqliteSource;
    if (sql.startsWith('SELECT')) return withReader(only, work);
    return withWriterLock(only, work, WAIT_LIMIT, jobs);
  }

  /** Whether a statement would run into whoever else of this process writes to the file. */
  #hasLine(sql: string): boolean {
    return this.#isOwn && this.dialect.hasOneWriter && !sql.startsWith('SELECT');
  }

  async #inLine(
    sql: string,
    parameters: readonly unknown[] = [],
    jobs?: readonly string[],
  ): Promise<Outcome> {
    const application = this.application as SqliteSource;
    try {
      const raw = await writeInLine(application, this.statement(sql), parameters, PATIENCE, jobs);
      return this.dialect.outcome(raw);
    } catch (error) {
      throw error instanceof DatabaseBusyError ? new DatabaseHeldError(error.message) : error;
    }
  }

  get #isOwn(): boolean {
    return this.dataSource !== this.application;
  }

  async #connected<T>(work: (runner: QueryRunnerLike) => Promise<T>): Promise<T> {
    const runner = this.dataSource.driver.createQueryRunner('master');
    try {
      return await work(runner);
    } finally {
      await runner.release();
    }
  }

  async #patiently<T>(work: () => Promise<T>): Promise<T> {
    const deadline = performance.now() + PATIENCE;
    for (let pause = FIRST_PAUSE; ; pause = Math.min(2 * pause, LONGEST_PAUSE)) {
      try {
        return await work();
      } catch (error) {
        if (!this.dialect.isTransient(error) || performance.now() > deadline) throw error;
      }
      await wait(pause * (0.5 + Math.random()));
    }
  }

  /** With placeholders as the driver has them. */
  statement(sql: string): string {
    let statement = this.#statements.get(sql);
    if (!statement) this.#statements.set(sql, (statement = this.dialect.statement(sql)));
    return statement;
  }
}

/** Whether a database is there for one connection alone: in memory, or of a driver that knows no other. */
export function hasOneConnection({ options }: DataSourceLike): boolean {
  const { type, database } = options;
  if (type === 'sqlite' || type === 'sqljs' || type === 'expo') return true;
  if (type !== 'better-sqlite3') return false;
  return typeof database !== 'string' || database === '' || database.includes(':memory:');
}
