import { createPostgresBackend, withBackend } from 'bullmq';
import { CONCURRENCY } from '../support/application.js';
import { Countdown, openLedger } from '../support/postgres.js';

/** On its PostgreSQL backend. */
export async function startOnPostgres({ url }) {
  const kinds = withBackend(createPostgresBackend);
  return start({
    url,
    ...kinds,
    connection: { connectionString: url, max: CONCURRENCY, migrate: true },
  });
}

async function start({ url, Queue, Worker, connection }) {
  const ledger = await openLedger(url);
  const done = new Countdown();
  const queue = new Queue('enter', { connection });
  queue.on('error', reportError);
  const enter = async ({ id }) => {
    await ledger.enter(id);
    done.tick();
  };
  const worker = new Worker('enter', enter, { connection, concurrency: CONCURRENCY });
  worker.on('error', reportError);
  await worker.waitUntilReady();
  return {
    async run(count) {
      const finished = done.start(count);
      await Promise.all(Array.from({ length: count }, () => queue.add('enter', {})));
      await finished;
    },
    async close() {
      await worker.close();
      await queue.close();
      await ledger.close();
    },
  };
}

function reportError(error) {
  console.error(error.message);
}
