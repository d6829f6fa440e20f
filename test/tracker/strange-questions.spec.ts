import { randomUUID } from 'node:crypto';
import { afterEach, describe, expect, it } from '@jest/globals';
import { TypeOrmModule } from '@nestjs/typeorm';
import { lastValueFrom, toArray } from 'rxjs';
import { JobNotFoundError, print, typeOrmTracker } from '../../src/index.js';
import { redisTracker } from '../../src/tracker/redis/entry.js';
import { startJobs, type JobsApp } from '../support/any-job.js';
import { REACHABLE } from '../support/new-database.js';
import { preparedDatabase } from '../support/prepared-database.js';
import { describeWithRedis } from '../support/services.js';
import { closeApps } from '../support/test-app.js';

/** As they come from a URL, or from JavaScript. PostgreSQL takes no NUL, better-sqlite3 an object for parameters. */
const NO_IDS = ['\0', '', 'nope', '01a222b0-cd1e-70fc-9760-4ed2332ff75', {}, null] as string[];

describe.each(REACHABLE)('typeOrmTracker() on %s', (kind) => {
  const own = preparedDatabase(kind);

  function start(): Promise<JobsApp> {
    const imports = [TypeOrmModule.forRoot({ ...own.database.options, retryAttempts: 0 })];
    return startJobs({ tracker: typeOrmTracker() }, { imports });
  }

  it.each(NO_IDS)('knows no job %j', async (id) => {
    const { service } = await start();
    expect(await service.find(id)).toBeUndefined();
    expect(await service.getProgress(id)).toBeNull();
    expect(await service.cancel(id)).toBe(false);
    expect(await service.retry(id)).toBe(false);
    await expect(service.output(id)).rejects.toBeInstanceOf(JobNotFoundError);
    await expect(service.wait(id)).rejects.toBeInstanceOf(JobNotFoundError);
    await expect(lastValueFrom(service.follow(id))).rejects.toBeInstanceOf(JobNotFoundError);
  });
});

describeWithRedis('redisTracker()', (url) => {
  afterEach(closeApps);

  it('gives all output after a number below that of the first', async () => {
    const prefix = `strange-${randomUUID()}`;
    const { service } = await startJobs({ tracker: redisTracker({ url, prefix }) });
    const id = service.perform(() => print('one'));
    await service.wait(id);
    expect(await service.output(id, { after: -5 })).toBe('one\n');
    const events = await lastValueFrom(service.follow(id, { after: -5 }).pipe(toArray()));
    expect(events[0]).toMatchObject({ type: 'output', text: 'one\n' });
  });
});
