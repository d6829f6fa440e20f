import { TypeOrmModule } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import { currentJob, typeOrmTracker } from '../../dist/index.js';
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

/** The defaults, with jobs in the application's database. */
export async function start({ options }) {
  const { jobs, close } = await startApplication(Jobs, { tracker: typeOrmTracker() }, [
    TypeOrmModule.forRoot(options(backgroundEntities)),
  ]);
  return {
    async run(count) {
      await Promise.all(Array.from({ length: count }, () => jobs.enter()));
    },
    close,
  };
}
