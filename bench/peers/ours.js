import { TypeOrmModule } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import { currentJob, typeOrmTracker } from '../../dist/index.js';
import { bullMqEngine } from '../../dist/engine/bullmq/entry.js';
import { redisTracker } from '../../dist/tracker/redis/entry.js';
import { backgroundEntities } from '../../dist/tracker/typeorm/entry.js';
import { inBackground, startApplication } from '../support/application.js';
import { Ledger } from '../support/ledger.js';

class Jobs {
  constructor(dataSource) {
    this.ledger = dataSource.getRepository(Ledger);
  }

  async enter() {
    await this.ledger.insert({ job: currentJob().id });
  }
}
inBackground(Jobs, 'enter');
Reflect.defineMetadata('design:paramtypes', [DataSource], Jobs);

class EmptyJobs {
  async enter() {}
}
inBackground(EmptyJobs, 'enter');

/** The defaults, with jobs in the application's database. */
export function start({ options }) {
  return startWithLedger(options, { tracker: typeOrmTracker() }, backgroundEntities);
}

/** Jobs and queue in Redis. The job is empty; where it is given the URL of a database, it inserts a row there. */
export function startOnRedis({ redis, prefix, options }) {
  const places = {
    engine: bullMqEngine({ redis, queue: prefix }),
    tracker: redisTracker({ url: redis, prefix }),
  };
  return options ? startWithLedger(options, places) : startWith(EmptyJobs, places);
}

function startWithLedger(options, places, entities = []) {
  return startWith(Jobs, places, [TypeOrmModule.forRoot(options(entities))]);
}

async function startWith(Kind, places, imports) {
  const { jobs, close } = await startApplication(Kind, places, imports);
  return {
    async run(count) {
      await Promise.all(Array.from({ length: count }, () => jobs.enter()));
    },
    close,
  };
}
