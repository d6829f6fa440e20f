import * as bareLoop from '../peers/bare-loop.js';
import * as bullmq from '../peers/bullmq.js';
import * as dbos from '../peers/dbos.js';
import * as graphile from '../peers/graphile-worker.js';
import * as ours from '../peers/ours.js';
import * as pgBoss from '../peers/pg-boss.js';
import { alternate, perSecond } from '../support/measure.js';
import { createDatabase } from '../support/postgres.js';
import { ratioRow } from '../support/row.js';

const PEERS = [
  { against: 'a bare loop (the limit)', start: bareLoop.start, atLeast: 0.9 },
  { against: 'graphile-worker', start: graphile.start, atLeast: 3 },
  { against: 'graphile-worker, all in batches', start: graphile.startBatched, atLeast: 1.5 },
  { against: 'DBOS', start: dbos.start, atLeast: 4 },
  { against: 'pg-boss', start: pgBoss.start, atLeast: 3 },
  { against: 'BullMQ on PostgreSQL', start: bullmq.startOnPostgres, atLeast: 3 },
];

/** Jobs per second that each insert one row through TypeORM in a transaction, from the call until they are committed. */
export async function measure({ smoke }) {
  const rows = [];
  for (const peer of PEERS) rows.push(await beside(peer, smoke ? [1, 20] : [9, 2000]));
  return rows;
}

async function beside({ against, start, atLeast }, [rounds, count]) {
  const databases = [await createDatabase('bench_ours'), await createDatabase('bench_theirs')];
  const sides = [await ours.start(databases[0]), await start(databases[1])];
  const [mine, theirs] = await alternate(rounds, ...sides.map((side) => perSecond(side, count)));
  for (const side of sides) await side.close();
  for (const database of databases) await database.drop();
  const what = 'durable job with one row on PostgreSQL, jobs/s';
  return ratioRow({ what, against, ours: mine, theirs, atLeast });
}
