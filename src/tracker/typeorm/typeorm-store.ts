import { BackgroundError } from '../../errors/background.error.js';
import type { TrackerSettings } from '../job-tracker.js';
import type { Writing } from '../live-job.js';
import { OrphanFinder } from '../orphan-finder.js';
import { RetentionKeeper } from '../retention-keeper.js';
import { Connections, hasOneConnection, type Run } from './connections.js';
import type { DataSourceLike } from './data-source-like.js';
import type { Dialect } from './dialect.js';
import { Alone, FileLock } from './file-lock.js';
import { Filing } from './filing.js';
import { FinishedRows } from './finished-rows.js';
import { NOBODY } from './change-sql.js';
import { JobStore, type Database } from './job-store.js';
import { Lease } from './lease.js';
import type { Liveness } from './liveness.js';
import { mysqlDialect } from './mysql.dialect.js';
import { OrphanRows } from './orphan-rows.js';
import { OutputStore } from './output-store.js';
import { postgresDialect } from './postgres.dialect.js';
import { PostgresPush } from './postgres-push.js';
import { sqliteDialect } from './sqlite.dialect.js';
import { haveTables, tableNames } from './have-tables.js';

export interface StoreSettings {
  readonly dataSource: DataSourceLike;
  readonly settings: TrackerSettings;
  readonly owner: string;
  /** In ms. */
  readonly lease: number;
  readonly recoveryInterval: number;
  readonly connections: number;
  warn(what: string, error?: unknown): void;
  /** A job has news from another process. */
  wake(id: string): void;
}

const DIALECTS: Readonly<Record<string, Dialect>> = {
  postgres: postgresDialect,
  mysql: mysqlDialect,
  mariadb: mysqlDialect,
  'better-sqlite3': sqliteDialect,
  sqlite: sqliteDialect,
  sqljs: sqliteDialect,
};

/** The tables of a database that is connected, and what keeps them in order. */
export class TypeOrmStore {
  readonly jobs: JobStore;
  readonly output: OutputStore;
  /** Not in a thread: what is kept, and for how long, is the other application's to say. */
  readonly retention: RetentionKeeper | undefined;
  /** What has completed, and still has its owner. */
  readonly filing: Filing;
  /** Tells other processes of changes, where the database can. */
  readonly push: PostgresPush | undefined;
  #claiming: Promise<void> | undefined;
  #isClaimed = false;
  #orphans: OrphanFinder | undefined;

  private constructor(
    readonly db: Database,
    private readonly liveness: Liveness,
    private readonly settings: TrackerSettings,
    { recoveryInterval, warn, wake }: Pick<StoreSettings, 'recoveryInterval' | 'warn' | 'wake'>,
  ) {
    const { clock, retention, recovery, inThread } = settings;
    this.jobs = new JobStore(db);
    this.output = new OutputStore(db);
    this.filing = new Filing(db, clock, (error) => warn('could not file completed jobs', error));
    this.push = db.dialect.pushes ? new PostgresPush(db, wake) : undefined;
    if (inThread) return;
    const finished = new FinishedRows(db, this.jobs, this.filing);
    this.retention = new RetentionKeeper(finished, clock, retention, (error) =>
      warn('could not remove finished jobs', error),
    );
    if (!recovery) return;
    this.#orphans = new OrphanFinder({
      orphans: new OrphanRows({ db, liveness, recovery, filing: this.filing }),
      ...{ recovery, interval: recoveryInterval },
      failed: (error) => warn('could not take over unfinished jobs', error),
    });
  }

  static async open(settings: StoreSettings): Promise<TypeOrmStore> {
    const { dataSource, owner } = settings;
    const dialect = dialectOf(dataSource);
    const connections = await Connections.open(dataSource, dialect, settings.connections);
    const db = { connections, dialect, owner, tables: tableNames(dataSource, dialect) };
    try {
      await haveTables(db, dataSource);
      const liveness = livenessOf(db, settings);
      if (!settings.settings.inThread) await liveness.claim();
      const store = new TypeOrmStore(db, liveness, settings.settings, settings);
      await store.push?.open();
      return store;
    } catch (error) {
      await connections.close();
      throw error;
    }
  }

  /** Whether jobs may be this process's. */
  get isClaimed(): boolean {
    return !this.settings.inThread || this.#isClaimed;
  }

  /** Before a job is this process's. A thread that has none lives without anybody having to know. */
  async claim(): Promise<void> {
    if (this.isClaimed) return;
    await (this.#claiming ??= this.liveness.claim());
    this.#isClaimed = true;
  }

  /** How statements are run that can wait, or cannot. */
  readonly runner = (how: Writing<Run>): Run => {
    if (typeof how === 'function') return how;
    const { connections } = this.db;
    return how === 'if free' ? connections.runIfFree : connections.run;
  };

  /** Hands back what is unfinished, so that it runs again at the next start. */
  async close(): Promise<void> {
    const { connections, tables, owner } = this.db;
    await this.#orphans?.close();
    await this.retention?.close();
    await this.push?.close();
    await this.filing.close();
    const sql = `UPDATE ${tables.job} SET owner = '${NOBODY}' WHERE owner = ?`;
    await connections.run(sql, [owner]);
    await this.liveness.giveUp();
    await connections.close();
  }
}

function dialectOf({ options }: DataSourceLike): Dialect {
  const dialect = DIALECTS[options.type];
  if (dialect) return dialect;
  throw new BackgroundError(
    `typeOrmTracker() does not know databases of the type "${options.type}". Give it a DataSource of one of these: ` +
      `${Object.keys(DIALECTS).join(', ')}.`,
  );
}

function livenessOf(db: Database, { dataSource, lease, warn }: StoreSettings): Liveness {
  if (db.dialect !== sqliteDialect) return new Lease(db, dataSource, lease, warn);
  return hasOneConnection(dataSource) ? new Alone(db) : new FileLock(db, dataSource);
}
