import { DataSource } from 'typeorm';
import { createBackgroundTables } from '../../src/tracker/typeorm/entry.js';
import type { TestDatabase } from './new-database.js';

/** A database with the tables of the tracker, and a ledger. */
export async function prepare(database: TestDatabase): Promise<DataSource> {
  const dataSource = await new DataSource(database.options).initialize();
  const runner = dataSource.createQueryRunner();
  await createBackgroundTables(runner);
  await runner.query('CREATE TABLE ledger (job varchar(36) NOT NULL)');
  await runner.release();
  return dataSource;
}
