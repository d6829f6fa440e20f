import { BackgroundError } from '../../errors/background.error.js';
import type { DataSourceLike } from './data-source-like.js';
import type { Dialect } from './dialect.js';
import type { Database } from './job-store.js';
import { TABLES, type TableNames } from './tables.js';

/** As the entities have them where the application has the entities, else as its options make them. */
export function tableNames(
  { entityMetadatas, options }: DataSourceLike,
  dialect: Dialect,
): TableNames {
  const pathOf = ({ entity, table }: (typeof TABLES)[keyof typeof TABLES]): string => {
    const known = entityMetadatas?.find(({ name }) => name === entity)?.tablePath;
    const path = known ?? [options.schema, `${options.entityPrefix ?? ''}${table}`].filter(Boolean);
    const parts = typeof path === 'string' ? path.split('.') : (path as string[]);
    return parts.map((part) => dialect.quote(part)).join('.');
  };
  return { job: pathOf(TABLES.job), output: pathOf(TABLES.output), lease: pathOf(TABLES.lease) };
}

/**
 * Where the DataSource makes the tables of its entities at start, those that are missing are made too: who says
 * `synchronize` need not say it twice.
 * @throws BackgroundError that says where the tables come from
 */
export async function haveTables(db: Database, dataSource: DataSourceLike): Promise<void> {
  try {
    await checkTables(db);
  } catch (error) {
    if (!dataSource.options.synchronize || !(error instanceof BackgroundError)) throw error;
    await makeTables(dataSource);
    await checkTables(db);
  }
}

async function makeTables(dataSource: DataSourceLike): Promise<void> {
  // It imports TypeORM, which is there where a DataSource is.
  const { createBackgroundTables } = await import('./migration.js');
  const runner = dataSource.driver.createQueryRunner('master');
  try {
    await createBackgroundTables(runner as never);
  } finally {
    await runner.release();
  }
}

/** @throws BackgroundError that says where the tables come from, or the columns that an earlier version did not have. */
async function checkTables({ connections, tables, dialect }: Database): Promise<void> {
  for (const key of Object.keys(tables) as (keyof TableNames)[]) {
    const columns = Object.keys(TABLES[key].columns).join(', ');
    try {
      await connections.run(`SELECT 1 FROM ${tables[key]} WHERE 1 = 0`);
    } catch (error) {
      if (!dialect.isMissingTable(error)) throw error;
      throw noTable(tables[key], error);
    }
    await connections
      .run(`SELECT ${columns} FROM ${tables[key]} WHERE 1 = 0`)
      .catch((error: unknown) => Promise.reject(oldTable(tables[key], error)));
  }
}

function noTable(table: string, cause: unknown): BackgroundError {
  return new BackgroundError(
    `typeOrmTracker() found no table ${table}. Either add the migration CreateBackgroundTables of ` +
      `'nestjs-background/typeorm' to the migrations of the DataSource and run them, or add ` +
      `...backgroundEntities of the same to its entities and generate one; in development, { synchronize: true } makes it.`,
    { cause },
  );
}

function oldTable(table: string, cause: unknown): BackgroundError {
  return new BackgroundError(
    `typeOrmTracker() cannot read all columns of ${table}: an earlier version has made it. Call createBackgroundTables() of ` +
      `'nestjs-background/typeorm' in a new migration, which adds what is missing, or generate one from backgroundEntities.`,
    { cause },
  );
}
