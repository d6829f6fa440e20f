import { basename } from 'node:path';
import type { FileLocks } from '../../engine/file-locks.js';
import type { DataSourceLike } from '../typeorm-shape.js';
import { BorrowedLock, type FileLock } from './borrowed-lock.js';
import { attachedTo, ConnectionPool } from './connection-pool.js';
import { laneOf, runnerOn, type Lane } from './own-connection.js';
import { watchStatements } from './own-statements.js';
import { fileLock, memoryLock, realPath } from './lock-registry.js';
import { isFile, type SqliteDriverLike, type SqliteRunner } from './sqlite-shape.js';
import type { JobParty, Release, WaitRules, WriterLock } from './writer-lock.js';

const DATABASE = Symbol.for('nestjs-background:sqlite-database');

type Known = DataSourceLike & { [DATABASE]?: SqliteDatabase };

export interface OwnRunner {
  readonly runner: SqliteRunner;
  enter(lane: Lane): void;
}

/** What this process knows of a DataSource's SQLite database: who writes, and which connections there are. */
export class SqliteDatabase {
  /** Begun by hand, with a BEGIN of the application's own on the connection that all of it shares. */
  readonly byHand: { release: Release | undefined } = { release: undefined };
  /** Whether the log says already that it lacks a write-ahead log. */
  isJournalNoted = false;
  readonly title: string;
  readonly #pool: ConnectionPool | undefined;
  readonly #ownLock: WriterLock | undefined;
  #fileLocks: FileLock[] | undefined;
  #blank: SqliteDriverLike | undefined;
  #borrowed: FileLocks | undefined;

  constructor(private readonly dataSource: DataSourceLike) {
    const path = isFile(dataSource) ? realPath(dataSource.options.database as string) : undefined;
    this.title =
      path === undefined ? 'the SQLite database in memory' : `the SQLite file ${basename(path)}`;
    if (path === undefined) this.#ownLock = memoryLock(this.driver, this.title);
    else this.#pool = new ConnectionPool(this.driver, path, this.title);
    this.#closeWithDataSource();
  }

  get driver(): SqliteDriverLike {
    return this.dataSource.driver as SqliteDriverLike;
  }

  /** Whether it is in memory, where the one connection is all there is. */
  get isSingle(): boolean {
    return this.#pool === undefined;
  }

  get isReadOnly(): boolean {
    return this.driver.options.readonly === true;
  }

  /** Whether readers and the writer do not disturb each other. */
  get hasWriteAheadLog(): boolean {
    const { databaseConnection: native, options } = this.driver;
    const mode = native?.pragma?.('journal_mode', { simple: true });
    return mode === undefined
      ? 'enableWAL' in options && options.enableWAL === true
      : mode === 'wal';
  }

  /**
   * Whether a connection of its own can read now, whoever writes. Without a write-ahead log a big transaction of the
   * application may have locked readers out; those of jobs keep from that until they commit.
   */
  get readsAreFree(): boolean {
    return !this.isSingle && (this.hasWriteAheadLog || this.isHeldByJob);
  }

  /** Whether a job's transaction is open, or about to be. */
  get isHeldByJob(): boolean {
    return this.#locks().some(({ holder }) => holder?.isJob);
  }

  /** In a thread: its files have the locks that the process has for them. */
  borrowLocks(locks: FileLocks): void {
    this.#borrowed = locks;
  }

  /** Waits until it may write, and nobody else does. @throws DatabaseBusyError, JobTransactionError */
  hold(party: JobParty, rules?: WaitRules): Promise<Release> {
    const [only, ...more] = this.#locks();
    return more.length === 0 ? only!.take(party, rules) : this.#holdAll(party, rules);
  }

  /** Without a wait; `undefined` where it takes one, or may. */
  holdIfFree(party: JobParty): Release | undefined {
    const locks = this.#locks();
    return locks.length === 1 ? locks[0]!.takeIfFree(party) : undefined;
  }

  async #holdAll(party: JobParty, rules?: WaitRules): Promise<Release> {
    const held: Release[] = [];
    const release = (): void => held.reverse().forEach((one) => one());
    try {
      for (const lock of this.#locks()) held.push(await lock.take(party, rules));
      return release;
    } catch (error) {
      release();
      throw error;
    }
  }

  /** A runner that nobody else has; it must be given a lane before it runs anything. */
  runner(): OwnRunner {
    const { runner, lane: driver } = runnerOn(this.driver);
    const enter = ({ native, statements }: Lane): void => {
      driver.databaseConnection = native;
      if (statements) runner.stmtCache = statements;
    };
    return { runner, enter };
  }

  /** A runner that is to run nothing: all that it does is replaced. */
  blankRunner(): SqliteRunner {
    const lane = (this.#blank ??= laneOf(this.driver));
    // Else it would be the one that was made before.
    lane.queryRunner = undefined;
    return lane.createQueryRunner('master') as SqliteRunner;
  }

  /** A connection of its own, or the only one. */
  async lane(signal?: AbortSignal): Promise<Lane> {
    return this.#pool ? this.#pool.lend(signal) : this.#onlyLane();
  }

  /** One that is there already, if any is. */
  idleLane(): Lane | undefined {
    return this.#pool ? this.#pool.lendIdle() : this.#onlyLane();
  }

  #onlyLane(): Lane {
    const { driver, title } = this;
    const native = driver.databaseConnection;
    return {
      native,
      watched(signal) {
        const { runner } = runnerOn(driver, native);
        return { runner, watch: watchStatements(runner, native, title, signal) };
      },
      leave: () => undefined,
    };
  }

  /** Always in the same order, or two that need both files would wait for each other. */
  #locks(): FileLock[] {
    if (this.#ownLock) return [this.#ownLock];
    return (this.#fileLocks ??= this.#paths().map((path) => this.#lockOf(path)));
  }

  #lockOf(path: string): FileLock {
    return this.#borrowed ? new BorrowedLock(this.#borrowed, path) : fileLock(this.driver, path);
  }

  #paths(): string[] {
    const attached = attachedTo(this.driver).map((one) => one.attachFilepathAbsolute);
    const paths = [this.dataSource.options.database as string, ...attached];
    return [...new Set(paths.map(realPath))].sort();
  }

  #closeWithDataSource(): void {
    const { driver } = this;
    const disconnect = driver.disconnect.bind(driver);
    driver.disconnect = async () => {
      await this.#pool?.clear();
      this.#fileLocks = undefined;
      this.byHand.release?.();
      this.byHand.release = undefined;
      await disconnect();
    };
  }
}

/** The same for everybody who has the DataSource. */
export function databaseOf(dataSource: DataSourceLike): SqliteDatabase {
  const known = dataSource as Known;
  if (!known[DATABASE]) {
    Object.defineProperty(known, DATABASE, { value: new SqliteDatabase(dataSource) });
  }
  return known[DATABASE]!;
}
