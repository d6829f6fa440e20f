import { BackgroundError } from '../../errors/background.error.js';
import type { TrackerSettings } from '../job-tracker.js';
import { Connections, hasOneConnection, type Run } from './connections.js';
import type { Writing } from './live-job.js';
import type { DataSourceLike } from './data-source-like.js';
import type { Dialect } from './dialect.js';
import { Alone, FileLock } from './file-lock.js';
import { JobStore, NOBODY, type Database } from './job-store.js';
import { Lease } from './lease.js';
import type { Liveness } from './liveness.js';
import { mysqlDialect } from './mysql.dialect.js';
import { OrphanFinder } from './orphan-finder.js';
import { OutputStore } from './output-store.js';
import { postgresDialect } from './postgres.dialect.js';
import { RetentionKeeper } from './retention.js';
import { sqliteDialect } from './sqlite.dialect.js';
import { TABLES, type TableNames } from './tables.js';

export interface StoreSettings {
  readonly dataSource: DataSourceLike;
  readonly settings: TrackerSettings;
  readonly owner: string;
  /** In ms. */
  readonly lease: number;
  readonly recoveryInterval: number;
  readonly connections: number;
  warn(what: string, error?: unknown): void;
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
  readonly retention: RetentionKeeper;
  #orphans: OrphanFinder | undefined;

  private constructor(
    readonly db: Database,
    private readonly liveness: Liveness,
    { settings, recoveryInterval, warn }: StoreSettings,
  ) {
    const { clock, retention, recovery } = settings;
    this.jobs = new JobStore(db);
    this.output = new OutputStore(db);
    this.retention = new RetentionKeeper(db, this.jobs, clock, retention, (error) =>
      warn('could not remove finished jobs', error),
    );
    if (!recovery) return;
    this.#orphans = new OrphanFinder({
      ...{ db, liveness, recovery, interval: recoveryInterval },
      failed: (error) => warn('could not take over unfinished jobs', error),
    });
  }

  static async open(settings: StoreSettings): Promise<TypeOrmStore> {
    const { dataSource, owner } = settings;
    const dialect = dialectOf(dataSource);
    const connections = await Connections.open(dataSource, dialect, settings.connections);
    const db = { connections, dialect, owner, tables: tableNames(dataSource, dialect) };
    try {
      await checkTables(db);
      const liveness = livenessOf(db, settings);
      await liveness.claim();
      return new TypeOrmStore(db, liveness, settings);
    } catch (error) {
      await connections.close();
      throw error;
    }
  }

  /** How statements are run that can wait, or cannot. */
  runner(how: Writing): Run {
    if (typeof how === 'function') return how;
    const { connections } = this.db;
    return how === 'if free' ? connections.runIfFree : connections.run;
  }

  /** Hands back what is unfinished, so that it runs again at the next start. */
  async close(): Promise<void> {
    const { connections, tables, owner } = this.db;
    await this.#orphans?.close();
    await this.retention.close();
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

/** As the entities have them where the application has the entities, else as its options make them. */
function tableNames({ entityMetadatas, options }: DataSourceLike, dialect: Dialect): TableNames {
  const pathOf = ({ entity, table }: (typeof TABLES)[keyof typeof TABLES]): string => {
    const known = entityMetadatas?.find(({ name }) => name === entity)?.tablePath;
    const path = known ?? [options.schema, `${options.entityPrefix ?? ''}${table}`].filter(Boolean);
    const parts = typeof path === 'string' ? path.split('.') : (path as string[]);
    return parts.map((part) => dialect.quote(part)).join('.');
  };
  return { job: pathOf(TABLES.job), output: pathOf(TABLES.output), lease: pathOf(TABLES.lease) };
}

/** @throws BackgroundError that says where the tables come from. */
async function checkTables({ connections, tables, dialect }: Database): Promise<void> {
  for (const table of Object.values(tables)) {
    try {
      await connections.run(`SELECT 1 FROM ${table} WHERE 1 = 0`);
    } catch (error) {
      if (!dialect.isMissingTable(error)) throw error;
      throw new BackgroundError(
        `typeOrmTracker() found no table ${table}. Either add the migration CreateBackgroundTables of ` +
          `'nestjs-background/typeorm' to the migrations of the DataSource and run them, or add ` +
          `...backgroundEntities of the same to its entities, and generate a migration (or, in development, synchronize).`,
        { cause: error },
      );
    }
  }
}
