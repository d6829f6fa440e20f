import { afterAll, afterEach, beforeAll } from '@jest/globals';
import type { DataSource } from 'typeorm';
import { prepare } from './durable-app.js';
import { newDatabase, type DatabaseKind, type TestDatabase } from './new-database.js';
import { closeApps } from './test-app.js';

/** For the tests of a `describe`: a database with the tables of the tracker and a ledger, and a way to look into it. */
export function preparedDatabase(kind: DatabaseKind): {
  readonly database: TestDatabase;
  readonly outside: DataSource;
} {
  let database: TestDatabase;
  let outside: DataSource;
  beforeAll(async () => {
    database = await newDatabase(kind);
    outside = await prepare(database);
  });
  afterEach(closeApps);
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
