import { Logger, makeWorkerUtils, runMigrations } from 'graphile-worker';
import { DataSource } from 'typeorm';
import { typeOrmTracker } from '../../dist/index.js';
import { backgroundEntities } from '../../dist/tracker/typeorm/entry.js';
import { inBackground, startApplication } from '../support/application.js';
import { alternate, microseconds } from '../support/measure.js';
import { createDatabase, dataSourceOptions } from '../support/postgres.js';
import { ratioRow } from '../support/row.js';
import { TypeOrmModule } from '@nestjs/typeorm';

class Jobs {
  constructor(dataSource) {
    this.dataSource = dataSource;
  }

  async later() {}
}
inBackground(Jobs, 'later', { delay: '1h' });
Reflect.defineMetadata('design:paramtypes', [DataSource], Jobs);

/** Jobs called in one transaction of the application's, until it is committed. */
export async function measure({ smoke }) {
  const [rounds, count] = smoke ? [1, 20] : [9, 1000];
  const database = await createDatabase('bench_enqueue');
  const sides = [await startOurs(database.url), await startGraphile(database.url)];
  const perSecond = (side) => async () =>
    (count * 1e6) / (await microseconds(() => side.enqueue(count)));
  const [ours, theirs] = await alternate(rounds, ...sides.map(perSecond));
  for (const side of sides) await side.close();
  await database.drop();
  const what = `${count.toLocaleString('en')} jobs stored in one transaction, jobs/s`;
  return [ratioRow({ what, against: 'graphile-worker, addJobs', ours, theirs, atLeast: 1 })];
}

async function startOurs(url) {
  const { jobs, close } = await startApplication(Jobs, { tracker: typeOrmTracker() }, [
    TypeOrmModule.forRoot(dataSourceOptions(url, backgroundEntities)),
  ]);
  return {
    enqueue: (count) =>
      jobs.dataSource.transaction(async () => {
        for (let left = count; left > 0; left--) void jobs.later();
      }),
    close,
  };
}

async function startGraphile(connectionString) {
  const options = { connectionString, logger: new Logger(() => () => {}) };
  await runMigrations(options);
  const utils = await makeWorkerUtils(options);
  const runAt = new Date(Date.now() + 3_600_000);
  return {
    enqueue: (count) =>
      utils.addJobs(
        Array.from({ length: count }, () => ({ identifier: 'later', payload: {}, runAt })),
      ),
    close: () => utils.release(),
  };
}
