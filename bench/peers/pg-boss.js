import { PgBoss } from 'pg-boss';
import { CONCURRENCY } from '../support/application.js';
import { Countdown, openLedger } from '../support/postgres.js';

/** As its documentation has it for throughput: fetched in batches, again at once while they are full, woken by NOTIFY. */
export async function start({ url }) {
  const ledger = await openLedger(url);
  const done = new Countdown();
  const boss = new PgBoss({ connectionString: url, max: CONCURRENCY, useListenNotify: true });
  boss.on('error', (error) => console.error(error));
  await boss.start();
  await boss.createQueue('enter', { notify: true });
  const options = {
    ...{ localConcurrency: CONCURRENCY, batchSize: 20 },
    ...{ burstWhenBatchFull: true, pollingIntervalSeconds: 0.5, notifyPollingIntervalSeconds: 0.5 },
  };
  await boss.work('enter', options, async (jobs) => {
    for (const { id } of jobs) {
      await ledger.enter(id);
      done.tick();
    }
  });
  return {
    async run(count) {
      const finished = done.start(count);
      await Promise.all(Array.from({ length: count }, () => boss.send('enter', {})));
      await finished;
    },
    async close() {
      await boss.stop();
      await ledger.close();
    },
  };
}
