import { watched } from '../live-readers.js';
import { ratioRow, targetRow } from '../support/row.js';

/** A job that prints 100 lines/s with 1,000 readers of server-sent events, against the same job with one. */
export async function measure({ smoke }) {
  const how = smoke ? { rate: 20, seconds: 1 } : { rate: 100, seconds: 20 };
  const one = await watched({ ...how, readers: 1 });
  const all = await watched({ ...how, readers: smoke ? 20 : 1000 });
  const p99 = 'delay of a line, p99, ms';
  const against = 'the same with one reader';
  return [
    ratioRow({
      what: `a job with ${all.readers} readers, s`,
      against,
      ...{ ours: all['job, s in all'], theirs: one['job, s in all'], atMost: 1.05 },
    }),
    targetRow({
      what: 'until a line is with 99 % of them, ms',
      against,
      ...{ ours: all[p99], theirs: one[p99], target: '≤ 100 ms', holds: all[p99] <= 100 },
    }),
    ratioRow({
      what: 'memory a reader, kB of heap',
      against: 'a limit of 25 kB',
      ...{ ours: all['memory a reader, kB of heap'], theirs: 25, atMost: 1 },
    }),
  ];
}
