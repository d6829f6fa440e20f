import { inBackground, startApplication } from '../support/application.js';
import { alternate, microseconds } from '../support/measure.js';
import { ratioRow } from '../support/row.js';

const BATCH = 500;

class Jobs {
  async empty() {}
}
inBackground(Jobs, 'empty');

/** A job at the end of a long line against one at the end of a short line. */
export async function measure({ smoke }) {
  const [short, long, count] = smoke ? [100, 1000, BATCH] : [1000, 100_000, 200 * BATCH];
  const { jobs, close } = await startApplication(Jobs);
  const [theirs, ours] = await alternate(
    smoke ? 1 : 7,
    () => behind(jobs, short, count),
    () => behind(jobs, long, count),
  );
  await close();
  return [
    ratioRow({
      what: `a job with ${long.toLocaleString('en')} queued, µs`,
      against: `with ${short.toLocaleString('en')} queued`,
      ...{ ours, theirs, atMost: 1.2 },
    }),
  ];
}

/** µs for a job, start to settled, where as many join the line as leave it, so that its length stays. */
async function behind(jobs, length, count) {
  const line = calls(jobs, length);
  const spent = await microseconds(async () => {
    for (let done = 0; done < count; done += BATCH) {
      line.push(...calls(jobs, BATCH));
      await Promise.all(line.slice(done, done + BATCH));
    }
  });
  await Promise.all(line);
  return spent / count;
}

function calls(jobs, count) {
  return Array.from({ length: count }, () => jobs.empty());
}
