import { spawnSync } from 'node:child_process';
import { expect, it } from '@jest/globals';
import { describeWithPostgres } from '../support/services.js';
import { newCrashDatabase } from './crash-database.mjs';
import { crashRun } from './crash-run.mjs';

/** The queue of the run is a Redis of its own. */
const hasRedis = spawnSync('redis-server', ['--version']).status === 0;

describeWithPostgres('Processes that are killed while their jobs write', (server) => {
  const engines = [
    'local',
    'bullmq-postgres',
    ...(hasRedis ? ['bullmq-redis' as const] : []),
  ] as const;

  it.each(engines)(
    'leave each job done once, by those that come after them: %s',
    async (engine) => {
      const database = await newCrashDatabase(server);
      try {
        const result = await crashRun({
          url: database.url,
          kills: 3,
          jobs: 60,
          workers: 2,
          engine,
        });
        expect(result.completed).toBe(result.jobs);
        expect(result).toMatchObject({ rows: result.jobs, doubled: 0, ofAnotherAttempt: 0 });
      } finally {
        await database.drop();
      }
    },
    60_000,
  );
});
