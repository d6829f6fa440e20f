import { DataSource } from 'typeorm';
import { CONCURRENCY } from '../support/application.js';
import { Ledger } from '../support/ledger.js';

const POSTGRES = {
  table:
    'CREATE TABLE job (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), state text NOT NULL, payload jsonb NOT NULL)',
  enqueue: `INSERT INTO job (state, payload) SELECT 'queued', '{}' FROM generate_series(1, $1) RETURNING id`,
  complete: `UPDATE job SET state = 'completed' WHERE id = $1`,
  workers: CONCURRENCY,
};

/** One connection has one transaction, so there is one worker. */
const SQLITE = {
  table:
    'CREATE TABLE job (id text PRIMARY KEY DEFAULT (lower(hex(randomblob(16)))), state text NOT NULL, payload text NOT NULL)',
  enqueue:
    'WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < ?) ' +
    `INSERT INTO job (state, payload) SELECT 'queued', '{}' FROM number RETURNING id`,
  complete: `UPDATE job SET state = 'completed' WHERE id = ?`,
  workers: 1,
};

/** The limit: what a hand-written loop needs that keeps jobs in a table and does nothing else. */
export async function start({ options }) {
  const dataSource = await new DataSource(options()).initialize();
  const { table, enqueue, complete, workers } =
    dataSource.options.type === 'postgres' ? POSTGRES : SQLITE;
  await dataSource.query(table);
  const perform = ({ id }) =>
    dataSource.transaction(async (manager) => {
      await manager.insert(Ledger, { job: id });
      await manager.query(complete, [id]);
    });
  return {
    async run(count) {
      const jobs = await dataSource.query(enqueue, [count]);
      const work = async () => {
        for (let job = jobs.pop(); job; job = jobs.pop()) await perform(job);
      };
      await Promise.all(Array.from({ length: workers }, work));
    },
    close: () => dataSource.destroy(),
  };
}
