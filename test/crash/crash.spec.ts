import { expect, it } from '@jest/globals';
import { describeWithPostgres } from '../support/services.js';
import { newCrashDatabase } from './crash-database.mjs';
import { crashRun } from './crash-run.mjs';

describeWithPostgres('Processes that are killed while their jobs write', (server) => {
  it('leave each job done once, by those that come after them', async () => {
    const database = await newCrashDatabase(server);
    try {
      const result = await crashRun({ url: database.url, kills: 3, jobs: 60, workers: 2 });
      expect(result.completed).toBe(result.jobs);
      expect(result).toMatchObject({ rows: result.jobs, doubled: 0, ofAnotherAttempt: 0 });
    } finally {
      await database.drop();
    }
  }, 60_000);
});
