import * as bareLoop from '../peers/bare-loop.js';
import * as ours from '../peers/ours.js';
import { alternate, perSecond } from '../support/measure.js';
import { ratioRow } from '../support/row.js';
import { createFile } from '../support/sqlite.js';

/** Jobs per second that each insert one row through TypeORM in a transaction, from the call until they are committed. */
export async function measure({ smoke }) {
  const [rounds, count] = smoke ? [1, 20] : [9, 2000];
  const files = [await createFile(), await createFile()];
  const sides = [await ours.start(files[0]), await bareLoop.start(files[1])];
  const [mine, theirs] = await alternate(rounds, ...sides.map((side) => perSecond(side, count)));
  for (const side of sides) await side.close();
  for (const file of files) await file.drop();
  const what = 'durable job with one row on a SQLite file (WAL), jobs/s';
  const against = 'a bare loop (the limit)';
  return [ratioRow({ what, against, ours: mine, theirs, atLeast: 0.7 })];
}
