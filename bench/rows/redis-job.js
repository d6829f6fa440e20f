import * as bullmq from '../peers/bullmq.js';
import * as ours from '../peers/ours.js';
import { alternate, microseconds } from '../support/measure.js';
import { createDatabase } from '../support/postgres.js';
import { newPrefix, REDIS } from '../support/redis.js';
import { ratioRow } from '../support/row.js';

const AGAINST = 'BullMQ on Redis';

/** Jobs per second whose queue and records are in Redis, from the call until all are done. */
export async function measure({ smoke }) {
  return [
    await besideBullMq({
      what: 'empty job on BullMQ and Redis, jobs/s',
      size: smoke ? [1, 20] : [9, 4000],
      atLeast: 0.7,
    }),
    await besideBullMq({
      what: 'the same with one row on PostgreSQL, jobs/s',
      size: smoke ? [1, 20] : [7, 2000],
      atLeast: 0.9,
      databases: ['bench_redis_ours', 'bench_redis_theirs'],
    }),
  ];
}

async function besideBullMq({ what, size: [rounds, count], atLeast, databases = [] }) {
  const places = [await newPlace(databases[0]), await newPlace(databases[1])];
  const sides = [
    await ours.startOnRedis(places[0].where),
    await bullmq.startOnRedis(places[1].where),
  ];
  const perSecond = (side) => async () =>
    (count * 1e6) / (await microseconds(() => side.run(count)));
  const [mine, theirs] = await alternate(rounds, ...sides.map(perSecond));
  for (const side of sides) await side.close();
  for (const place of places) await place.remove();
  return ratioRow({ what, against: AGAINST, ours: mine, theirs, atLeast });
}

/** A prefix in Redis, and a database where one is asked for. */
async function newPlace(name) {
  const { where, remove } = await newPrefix();
  const database = name && (await createDatabase(name));
  return {
    where: { redis: REDIS, ...where, ...database },
    async remove() {
      await remove();
      await database?.drop();
    },
  };
}
