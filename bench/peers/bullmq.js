import { createPostgresBackend, Queue, withBackend, Worker } from 'bullmq';
import { CONCURRENCY } from '../support/application.js';
import { Countdown, openLedger } from '../support/postgres.js';

/** On its PostgreSQL backend. */
export async function startOnPostgres({ url }) {
  const connection = { connectionString: url, max: CONCURRENCY, migrate: true };
  const kinds = withBackend(createPostgresBackend);
  return startWithLedger(url, { ...kinds, name: 'enter', connection });
}

/** On Redis. Its job is empty; where it is given the URL of a database, it inserts a row there. */
export async function startOnRedis({ redis, prefix, url }) {
  const place = { Queue, Worker, name: prefix, connection: { url: redis } };
  return url ? startWithLedger(url, place) : start(place, async () => {});
}

async function startWithLedger(url, place) {
  const ledger = await openLedger(url);
  const { run, close } = await start(place, ({ id }) => ledger.enter(id));
  return {
    run,
    async close() {
      await close();
      await ledger.close();
    },
  };
}

async function start({ Queue, Worker, name, connection }, perform) {
  const done = new Countdown();
  const queue = new Queue(name, { connection });
  queue.on('error', reportError);
  const process = async (job) => {
    await perform(job);
    done.tick();
  };
  const worker = new Worker(name, process, { connection, concurrency: CONCURRENCY });
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
    },
  };
}

function reportError(error) {
  console.error(error.message);
}
