import { CONCURRENCY } from '../support/application.js';
import { Ledger, openLedger } from '../support/postgres.js';

/** The limit: what a hand-written loop needs that keeps jobs in a table and does nothing else. */
export async function start({ url }) {
  const { dataSource, close } = await openLedger(url);
  await dataSource.query(
    'CREATE TABLE job (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), state text NOT NULL, payload jsonb NOT NULL)',
  );
  const perform = ({ id }) =>
    dataSource.transaction(async (manager) => {
      await manager.insert(Ledger, { job: id });
      await manager.query(`UPDATE job SET state = 'completed' WHERE id = $1`, [id]);
    });
  const enqueue = (count) =>
    dataSource.query(
      `INSERT INTO job (state, payload) SELECT 'queued', '{}' FROM generate_series(1, $1) RETURNING id`,
      [count],
    );
  return {
    async run(count) {
      const jobs = await enqueue(count);
      const work = async () => {
        for (let job = jobs.pop(); job; job = jobs.pop()) await perform(job);
      };
      await Promise.all(Array.from({ length: CONCURRENCY }, work));
    },
    close,
  };
}
