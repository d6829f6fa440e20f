import { Logger, makeWorkerUtils, run, runMigrations } from 'graphile-worker';
import { CONCURRENCY } from '../support/application.js';
import { Countdown, openLedger } from '../support/postgres.js';

const silent = new Logger(() => () => {});

/** One `addJob` for each job, with the settings that it has unless asked otherwise. */
export async function start({ url }) {
  return startWith(url, {}, ({ addJob }, count) =>
    Promise.all(Array.from({ length: count }, () => addJob('enter', {}))),
  );
}

/** Its documentation's advice for high throughput: `addJobs`, a local queue and completion in batches. */
export async function startBatched({ url }) {
  const batching = { localQueue: { size: 500 }, completeJobBatchDelay: 0, failJobBatchDelay: 0 };
  return startWith(url, batching, ({ addJobs }, count) =>
    addJobs(Array.from({ length: count }, () => ({ identifier: 'enter', payload: {} }))),
  );
}

async function startWith(url, worker, enqueue) {
  const ledger = await openLedger(url);
  const done = new Countdown();
  const options = {
    logger: silent,
    preset: {
      worker: {
        connectionString: url,
        maxPoolSize: CONCURRENCY,
        concurrentJobs: CONCURRENCY,
        ...worker,
      },
    },
  };
  await runMigrations(options);
  const utils = await makeWorkerUtils(options);
  const enter = async (_payload, { job }) => {
    await ledger.enter(job.id);
    done.tick();
  };
  const runner = await run({ ...options, noHandleSignals: true, taskList: { enter } });
  return {
    async run(count) {
      const finished = done.start(count);
      await enqueue(utils, count);
      await finished;
    },
    async close() {
      await runner.stop();
      await utils.release();
      await ledger.close();
    },
  };
}
