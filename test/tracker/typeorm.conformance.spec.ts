import { afterAll, beforeAll, describe, it } from '@jest/globals';
import { DataSource } from 'typeorm';
import { typeOrmTracker, type JobTracker, type TrackerSettings } from '../../src/index.js';
import { trackerConformance } from '../../src/testing/index.js';
import { createBackgroundTables } from '../../src/tracker/typeorm/entry.js';
import { newDatabase, REACHABLE, type TestDatabase } from '../support/new-database.js';

describe.each(REACHABLE)('typeOrmTracker() on %s', (kind) => {
  let database: TestDatabase;
  let dataSource: DataSource;

  beforeAll(async () => {
    database = await newDatabase(kind);
    dataSource = await new DataSource(database.options).initialize();
    const runner = dataSource.createQueryRunner();
    await createBackgroundTables(runner);
    await runner.release();
  });

  afterAll(async () => {
    await dataSource.destroy();
    await database[Symbol.asyncDispose]();
  });

  async function open(settings: TrackerSettings): Promise<JobTracker> {
    const tracker = typeOrmTracker();
    await tracker.open(settings);
    await tracker.connect!(new Map([['default', dataSource]]));
    return tracker;
  }

  async function openEmpty(settings: TrackerSettings): Promise<JobTracker> {
    for (const table of ['background_job', 'background_output', 'background_lease']) {
      await dataSource.query(`DELETE FROM ${table}`);
    }
    return open(settings);
  }

  trackerConformance({ describe, it }, { open: openEmpty, openAnother: open });
});
