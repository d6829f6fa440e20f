import fastq from 'fastq';
import PQueue from 'p-queue';
import { CONCURRENCY, inBackground, startApplication } from '../support/application.js';
import { alternate, perCall } from '../support/measure.js';
import { ratioRow } from '../support/row.js';

class Jobs {
  async empty() {}
}
inBackground(Jobs, 'empty');

const work = async () => {};

/** Calls per second of an empty job, from the call until its promise is settled. */
export async function measure({ smoke }) {
  const amount = smoke ? { batches: 2, size: 100 } : { batches: 100, size: 1000 };
  const rounds = smoke ? 1 : 9;
  const { jobs, close } = await startApplication(Jobs);
  const fast = fastq.promise(work, CONCURRENCY);
  const queue = new PQueue({ concurrency: CONCURRENCY });
  const perSecond = (call) => async () => 1e6 / (await perCall(amount, call));
  const ours = perSecond(() => jobs.empty());
  const beside = async (against, call, atLeast) => {
    const [mine, theirs] = await alternate(rounds, ours, perSecond(call));
    return ratioRow({ what: 'empty job, calls/s', against, ours: mine, theirs, atLeast });
  };
  const rows = [
    await beside('fastq', () => fast.push(undefined), 0.5),
    await beside('p-queue', () => queue.add(work), 10),
  ];
  await close();
  return rows;
}
