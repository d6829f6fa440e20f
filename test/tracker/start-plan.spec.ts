import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { DataSource } from 'typeorm';
import { Durable, startDurableApp } from '../support/durable-app.js';
import { prepare } from '../support/prepare.js';
import { newDatabase, REACHABLE, type TestDatabase } from '../support/new-database.js';
import { closeApps } from '../support/test-app.js';
import { until } from '../support/until.js';

/** Rows written to the table, and rows of it read by the index of states. */
const WRITTEN = `SELECT n_tup_ins + n_tup_upd AS count FROM pg_stat_user_tables WHERE relname = 'background_job'`;
const READ = `SELECT idx_tup_read AS count FROM pg_stat_user_indexes WHERE indexrelname = 'every_state'`;

const kinds = REACHABLE.filter((kind) => kind === 'postgres');

describe.each(kinds)('A start on %s', (kind) => {
  let database: TestDatabase;
  let outside: DataSource;

  beforeEach(async () => {
    database = await newDatabase(kind);
    outside = await prepare(database);
  });

  afterEach(async () => {
    await closeApps();
    await outside.destroy();
    await database[Symbol.asyncDispose]();
  });

  /** As the database has noted it, which it does a little late. */
  async function count(sql: string): Promise<number> {
    const [row] = await outside.query<{ count: string }[]>(sql);
    return Number(row!.count);
  }

  it('does not read the line of those that wait, whatever the planner believes of it', async () => {
    // It believes that hardly any job waits.
    await outside.query(
      `INSERT INTO background_job (id, name, state, attempt, created_at, finished_at)
       SELECT 'over-' || n, 'other', 'completed', 1, 0, 9e12 FROM generate_series(1, 500) AS n`,
    );
    // As tables have it that an earlier version made.
    await outside.query('CREATE INDEX every_state ON background_job (state, id)');
    await outside.query('ANALYZE background_job');
    await outside.query(`INSERT INTO background_lease VALUES ('another process', 9e12)`);
    await outside.query(
      `INSERT INTO background_job (id, name, state, attempt, created_at, owner)
       SELECT 'waiting-' || n, 'other', 'queued', 0, 0, 'another process' FROM generate_series(1, 5000) AS n`,
    );
    await until(async () => (await count(WRITTEN)) >= 5500);
    const before = await count(READ);
    const app = await startDurableApp(database);
    const durable = app.get(Durable);
    durable.latch.open();
    await Promise.all(Array.from({ length: 20 }, () => durable.enter()));
    await closeApps();
    await until(async () => (await count(WRITTEN)) >= 5560);
    expect((await count(READ)) - before).toBeLessThan(5000);
  });
});
