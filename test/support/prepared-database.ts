import { afterAll, afterEach, beforeAll } from '@jest/globals';
import type { DataSource } from 'typeorm';
import { prepare } from './prepare.js';
import { newDatabase, type DatabaseKind, type TestDatabase } from './new-database.js';
import { closeApps } from './test-app.js';

export interface PreparedDatabase {
  readonly database: TestDatabase;
  readonly outside: DataSource;
}

/**
 * For the tests of a `describe`: a database with the tables of the tracker and a ledger, and a way to look into it.
 * @param closing When the applications are closed that the tests have left open.
 */
export function preparedDatabase(kind: DatabaseKind, closing = afterEach): PreparedDatabase {
  let database: TestDatabase;
  let outside: DataSource;
  beforeAll(async () => {
    database = await newDatabase(kind);
    outside = await prepare(database);
  });
  closing(closeApps);
  afterAll(async () => {
    await outside.destroy();
    await database[Symbol.asyncDispose]();
  });
  return {
    get database() {
      return database;
    },
    get outside() {
      return outside;
    },
  };
}
