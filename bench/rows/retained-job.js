import { inBackground, startApplication } from '../support/application.js';
import { ratioRow } from '../support/row.js';

const BATCH = 1000;

class Jobs {
  async empty() {}
}
inBackground(Jobs, 'empty');

/** Memory that a finished job without output takes while it is retained. */
export async function measure({ smoke }) {
  const count = smoke ? 2 * BATCH : 100 * BATCH;
  const { jobs, close } = await startApplication(Jobs, { retention: { count: Infinity } });
  // The first fill the caches of the engine and the runtime, which no later job takes again.
  await run(jobs, 5 * BATCH);
  const before = await heapUsed();
  await run(jobs, count);
  const ours = ((await heapUsed()) - before) / count;
  await close();
  const limit = { against: 'a limit of 1 kB', theirs: 1000, atMost: 1 };
  return [ratioRow({ what: 'a finished, retained job, bytes', ours, ...limit })];
}

async function run(jobs, count) {
  for (let done = 0; done < count; done += BATCH) {
    await Promise.all(Array.from({ length: BATCH }, () => jobs.empty()));
  }
}

/** After a turn of the event loop, so that nothing on the stack or in the queue of microtasks is counted. */
async function heapUsed() {
  await new Promise((resolve) => setImmediate(resolve));
  globalThis.gc();
  return process.memoryUsage().heapUsed;
}
