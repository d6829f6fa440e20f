import { randomUUID } from 'node:crypto';
import { statSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Inject, Injectable } from '@nestjs/common';
import Sqlite from 'better-sqlite3';
import { DataSource } from 'typeorm';
import { Background, jobOf } from '../../src/index.js';
import { newJobId } from '../../src/job/job-id.js';
import { Durable, startDurableApp } from '../support/durable-app.js';
import { prepare } from '../support/prepare.js';
import { newDatabase, type TestDatabase } from '../support/new-database.js';
import { closeApps, type TestApp } from '../support/test-app.js';
import { until } from '../support/until.js';

/** What SQLite writes for a page in front of its write-ahead log, and for each page. */
const LOG_HEADER = 32;
const FRAME = 4096 + 24;

describe('What is completed on a SQLite file', () => {
  let database: TestDatabase;
  let outside: DataSource;

  beforeEach(async () => {
    database = await newDatabase('sqlite');
    outside = await prepare(database);
  });

  afterEach(async () => {
    await closeApps();
    await outside.destroy();
    await database[Symbol.asyncDispose]();
  });

  async function started(): Promise<TestApp> {
    const app = await startDurableApp(database);
    app.get(Durable).latch.open();
    return app;
  }

  async function rowsOf(...ids: string[]): Promise<{ state: string; owner: string | null }[]> {
    const among = ids.map((id) => `'${id}'`).join(', ');
    return outside.query(`SELECT state, owner FROM background_job WHERE id IN (${among})`);
  }

  /** A job as a process left it that was killed between its end and its filing. */
  async function completedBy(owner: string): Promise<string> {
    const id = newJobId();
    await outside.query(
      'INSERT INTO background_job (id, name, state, attempt, created_at, finished_at, invocation, owner) ' +
        `VALUES ('${id}', 'durable', 'completed', 1, 1, 2, '{"args":[7]}', '${owner}')`,
    );
    return id;
  }

  it('is filed a little later', async () => {
    const app = await started();
    const job = jobOf(app.get(Durable).enter());
    await job;
    await until(async () => (await rowsOf(job.id))[0]!.owner === null);
    expect((await app.service.find(job.id))?.state).toBe('completed');
  });

  it('is filed at the end of its process, and not handed back', async () => {
    const app = await started();
    const job = jobOf(app.get(Durable).enter());
    await job;
    await closeApps();
    expect(await rowsOf(job.id)).toEqual([{ state: 'completed', owner: null }]);
  });

  it('is filed by another process where its own was killed before, and never runs again', async () => {
    const ids = [await completedBy(randomUUID()), await completedBy(randomUUID())];
    const app = await started();
    await until(async () => (await rowsOf(...ids)).every(({ owner }) => owner === null));
    for (const { state } of await rowsOf(...ids)) expect(state).toBe('completed');
    await app.get(Durable).enter();
    expect(app.get(Durable).seen).toHaveLength(1);
  });

  it('is removed all the same where its process was killed before', async () => {
    const id = await completedBy(randomUUID());
    const app = await startDurableApp(database, {}, { retention: { completed: 0 } });
    app.get(Durable).latch.open();
    await until(async () => {
      // When a job ends it is looked for more; what is taken over after that has its turn within a minute.
      await app.get(Durable).enter();
      return (await app.service.find(id)) === undefined;
    });
  });

  it('takes no output any more, though it is not filed yet', async () => {
    const owner = randomUUID();
    const id = await completedBy(owner);
    const current = `SELECT id FROM background_job WHERE id = '${id}' AND attempt = 1 AND owner = '${owner}'`;
    expect(await outside.query(current)).toHaveLength(1);
    const { OutputStore } = await import('../../src/tracker/typeorm/output-store.js');
    const { sqliteDialect } = await import('../../src/tracker/typeorm/sqlite.dialect.js');
    const tables = { job: 'background_job', output: 'background_output', lease: 'x' };
    const store = new OutputStore({ owner, tables, dialect: sqliteDialect } as never);
    const chunk = { seq: 1, text: 'late', stream: 'stdout' } as const;
    await store.append(id, 1, { chunks: [chunk], gap: undefined }, async (sql, values) =>
      sqliteDialect.outcome(await outside.query(sql, [...values!])),
    );
    expect(await outside.query('SELECT job_id FROM background_output')).toEqual([]);
  });

  it('has no page of an index written in the transactions of jobs', async () => {
    @Injectable()
    class Writer {
      constructor(@Inject(DataSource) private readonly dataSource: DataSource) {}

      @Background()
      async write(): Promise<void> {
        await this.dataSource.query(`INSERT INTO ledger (job) VALUES ('x')`);
      }
    }
    const app = await startDurableApp(database, {}, {}, [Writer]);
    await outside.query('PRAGMA wal_checkpoint(TRUNCATE)');
    const jobs = 120;
    await Promise.all(Array.from({ length: jobs }, () => app.get(Writer).write()));
    const { size } = statSync(`${String(database.options.database)}-wal`);
    // The row of the job, that of the ledger, and what creations, starts and filings write for many at once.
    expect((size - LOG_HEADER) / FRAME / jobs).toBeLessThan(3);
  });
});

describe('With many jobs in a SQLite file', () => {
  let database: TestDatabase;
  let outside: DataSource;
  const prepared = new Set<string>();
  const { prepare: original } = Sqlite.prototype;

  beforeEach(async () => {
    database = await newDatabase('sqlite');
    outside = await prepare(database);
    await outside.query(
      `WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 100000)
       INSERT INTO background_job (id, name, state, attempt, created_at, finished_at)
       SELECT 'over-' || n, 'other', CASE WHEN n % 100 = 0 THEN 'failed' ELSE 'completed' END, 1, 0, 9e12 + n FROM n`,
    );
    prepared.clear();
    Sqlite.prototype.prepare = function (this: Sqlite, sql: string) {
      prepared.add(sql);
      return original.call(this, sql);
    };
  });

  afterEach(async () => {
    Sqlite.prototype.prepare = original;
    await closeApps();
    await outside.destroy();
    await database[Symbol.asyncDispose]();
  });

  it.each(['as it is made now', 'as an earlier version made it'])(
    'nothing reads the whole table to start, end, file, remove or take over: %s',
    async (how) => {
      if (how !== 'as it is made now') {
        await outside.query('DROP INDEX background_job_filed');
        await outside.query(
          'CREATE INDEX background_job_finished_at ON background_job (finished_at) WHERE finished_at IS NOT NULL',
        );
      }
      const app = await startDurableApp(database, {}, { retention: { count: 99_990 } });
      app.get(Durable).latch.open();
      await app.get(Durable).enter();
      await app.service.list({ state: 'failed' });
      const oldest = `SELECT 1 FROM background_job WHERE id = 'over-1'`;
      await until(async () => (await outside.query<unknown[]>(oldest)).length === 0);
      await closeApps();
      const seen = [...prepared].filter((sql) =>
        /^(SELECT|UPDATE|DELETE).*"background_job"/s.test(sql),
      );
      expect(seen.some((sql) => sql.includes('COUNT(*)'))).toBe(true);
      expect(seen.some((sql) => sql.includes('SET owner = NULL'))).toBe(true);
      for (const sql of seen.filter((one) => !one.includes('WHERE 1 = 0'))) {
        const plan = await outside.query<{ detail: string }[]>(
          `EXPLAIN QUERY PLAN ${sql}`,
          Array.from(sql.matchAll(/\?/g), () => 'x'),
        );
        for (const { detail } of plan)
          expect([sql, detail]).not.toEqual([sql, 'SCAN background_job']);
      }
    },
  );
});
