import { TypeOrmModule } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import { timedQuery, typeOrmTracker } from '../../dist/index.js';
import { backgroundEntities } from '../../dist/tracker/typeorm/entry.js';
import { inBackground, startApplication } from '../support/application.js';
import { Ledger } from '../support/ledger.js';
import { median } from '../support/measure.js';
import { createDatabase, dataSourceOptions } from '../support/postgres.js';
import { targetRow } from '../support/row.js';
import { setTimeout } from 'node:timers/promises';

class Jobs {
  constructor(dataSource) {
    this.dataSource = dataSource;
    this.ledger = dataSource.getRepository(Ledger);
  }

  async await(job) {
    await timedQuery(() => this.ledger.findOneBy({ job }));
    return performance.now();
  }
}
inBackground(Jobs, 'await');
Reflect.defineMetadata('design:paramtypes', [DataSource], Jobs);

/** From a COMMIT on another connection until a job that waits for the row has it, soon after the job began, and late. */
export async function measure({ smoke }) {
  const database = await createDatabase('bench_timed_query');
  const { jobs, close } = await startApplication(Jobs, { tracker: typeOrmTracker() }, [
    TypeOrmModule.forRoot(dataSourceOptions(database.url, backgroundEntities)),
  ]);
  const early = await delays(jobs, smoke ? 3 : 101, smoke ? 1 : 20);
  const late = await delays(jobs, smoke ? 3 : 9, smoke ? 1 : 8_000);
  await close();
  await database.drop();
  return [
    row('timedQuery, COMMIT to row, soon (median), ms', median(early), 15),
    row('timedQuery, COMMIT to row, late (longest), ms', Math.max(...late), 1_000),
  ];
}

function row(what, ours, limit) {
  return targetRow({
    ...{ what, against: `a limit of ${limit} ms`, ours, theirs: limit },
    ...{ target: '≤ 1', holds: ours <= limit },
  });
}

/** Several at once: none takes more than one connection for a moment. */
async function delays(jobs, count, wait) {
  const measured = [];
  for (let done = 0; done < count; done += 9) {
    const some = Array.from(
      { length: Math.min(9, count - done) },
      (_, at) => `${wait}-${done + at}`,
    );
    measured.push(...(await Promise.all(some.map((job) => delay(jobs, job, wait)))));
  }
  return measured;
}

/** The row is written when the job has long begun to wait. */
async function delay(jobs, job, wait) {
  const found = jobs.await(job);
  await setTimeout(wait * (1 + Math.random()));
  await jobs.dataSource.getRepository(Ledger).insert({ job });
  const committed = performance.now();
  return Math.max(0, (await found) - committed);
}
