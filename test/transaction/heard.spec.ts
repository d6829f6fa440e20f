import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { EntitySubscriberInterface, Logger } from 'typeorm';
import { newDatabase, REACHABLE, type TestDatabase } from '../support/new-database.js';
import { Row, startTransactionApp } from '../support/transaction-app.js';

/** Notes when a transaction begins and ends. */
class Hearing implements EntitySubscriberInterface {
  readonly heard: string[] = [];

  async beforeTransactionStart(): Promise<void> {
    this.heard.push('before start');
  }

  async afterTransactionStart(): Promise<void> {
    this.heard.push('after start');
  }

  async beforeTransactionCommit(): Promise<void> {
    this.heard.push('before commit');
  }

  async afterTransactionCommit(): Promise<void> {
    this.heard.push('after commit');
  }
}

/** A log of TypeORM that keeps the statements. */
class Statements implements Logger {
  readonly logged: string[] = [];

  logQuery(query: string): void {
    this.logged.push(query);
  }

  logQueryError(): void {}
  logQuerySlow(): void {}
  logSchemaBuild(): void {}
  logMigration(): void {}
  log(): void {}
}

describe.each(REACHABLE)('The transaction of a job on %s', (kind) => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await newDatabase(kind);
  });

  afterAll(async () => {
    await database[Symbol.asyncDispose]();
  });

  it("is heard of by TypeORM's subscribers", async () => {
    await using app = await startTransactionApp(database.options);
    const subscriber = new Hearing();
    app.dataSource.subscribers.push(subscriber);
    await app.inJob(() => app.dataSource.getRepository(Row).count());
    const around = ['before start', 'after start', 'before commit', 'after commit'];
    expect(subscriber.heard).toEqual(around);
  });

  it("has its begin and its end in TypeORM's log", async () => {
    const logger = new Statements();
    await using app = await startTransactionApp({ ...database.options, logger, logging: true });
    logger.logged.length = 0;
    await app.inJob(() => app.dataSource.getRepository(Row).count());
    const begins = logger.logged.filter((sql) => /^(BEGIN|START TRANSACTION)/.test(sql));
    expect(begins).toHaveLength(1);
    expect(logger.logged.at(-1)).toMatch(/COMMIT$/);
  });
});
