import { afterAll, afterEach, describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import {
  Background,
  memoryTracker,
  print,
  typeOrmTracker,
  type Job,
  type JobTracker,
} from '../../src/index.js';
import { redisTracker } from '../../src/tracker/redis/entry.js';
import { startDashboard } from '../support/dashboard.js';
import { locationOf } from '../support/http.js';
import { Latch } from '../support/latch.js';
import { REACHABLE } from '../support/new-database.js';
import { preparedDatabase } from '../support/prepared-database.js';
import { newPrefix, removeKeys } from '../support/redis.js';
import { describeWithRedis } from '../support/services.js';
import { closeApps, type TestApp, type TestAppOptions } from '../support/test-app.js';
import { until } from '../support/until.js';

@Injectable()
class Work {
  static attempts = 0;
  readonly gate = new Latch();

  @Background({ name: 'parent', transaction: false })
  async parent(): Promise<void> {
    print('parent');
    await Promise.all([this.child(), this.child()]);
  }

  @Background({ name: 'child', transaction: false })
  async child(): Promise<void> {
    await this.gate.opened;
  }

  @Background({ name: 'failing', transaction: false })
  async failing(): Promise<string> {
    Work.attempts += 1;
    if (Work.attempts === 1) throw new Error('the first time');
    return 'the second time';
  }
}

/** On a machine that is busy nobody is to be taken for dead. */
const LEASE = '1m';

interface Table {
  counts: Record<string, number>;
  jobs: Job[];
  next: string | null;
}

function start(tracker: JobTracker, imports: TestAppOptions['imports'] = []): Promise<TestApp> {
  const options = { controllers: [], providers: [Work], imports };
  return startDashboard({ ...options, background: { tracker } });
}

async function tableOf(app: TestApp, query = ''): Promise<Table> {
  return (await (await app.fetch(`/jobs${query}`)).json()) as Table;
}

/** What one process has started is read, cancelled and run again from the dashboard of another, where there is one. */
async function isWorked(here: TestApp, there: TestApp): Promise<void> {
  Work.attempts = 0;
  await here
    .get(Work)
    .failing()
    .catch(() => {});
  void here.get(Work).parent();
  await until(async () => (await tableOf(there)).counts['running'] === 3);

  const { jobs } = await tableOf(there, '?limit=2');
  const older = await tableOf(there, `?limit=2&before=${jobs[1]!.id}`);
  const names = [...jobs, ...older.jobs].map(({ name }) => name);
  expect(names).toEqual(['child', 'child', 'parent', 'failing']);
  const [parent, failed] = older.jobs as [Job, Job];
  const children = await tableOf(there, `?parentId=${parent.id}&state=running&name=child`);
  expect(children.jobs.map(({ id }) => id)).toEqual(jobs.map(({ id }) => id));
  await until(
    async () => (await (await there.fetch(`/jobs?_t=${parent.id}`)).text()) === 'parent\n',
  );

  const again = await there.fetch(`/jobs?_retry=${failed.id}`, { method: 'POST' });
  expect([again.status, locationOf(again)]).toEqual([303, '/jobs']);
  await until(async () => (await tableOf(there, '?state=completed')).jobs[0]?.attempt === 2);
  for (const { id } of [...jobs, parent]) {
    const answer = await there.fetch(`/jobs?_cancel=${id}`, { method: 'POST' });
    expect(answer.status).toBe(303);
  }
  await until(async () => (await tableOf(there)).counts['running'] === 0);
  const page = await (await there.fetch('/jobs?_as=html')).text();
  expect(page).toContain('asked for on the dashboard');
}

afterEach(closeApps);

describe('The dashboard, with jobs in memory', () => {
  it('shows and does what there is to do', async () => {
    const app = await start(memoryTracker());
    await isWorked(app, app);
  });
});

describe.each(REACHABLE)('The dashboard, with jobs on %s', (kind) => {
  const prepared = preparedDatabase(kind);

  it('shows and does what there is to do, from another process too', async () => {
    const module = TypeOrmModule.forRoot({ ...prepared.database.options, retryAttempts: 0 });
    const tracker = (): JobTracker => typeOrmTracker({ lease: LEASE });
    await isWorked(await start(tracker(), [module]), await start(tracker(), [module]));
  });
});

describeWithRedis('The dashboard, with jobs on Redis', (url) => {
  const prefix = newPrefix();
  afterAll(() => removeKeys(url, prefix));

  it('shows and does what there is to do, from another process too', async () => {
    const tracker = (): JobTracker => redisTracker({ url, prefix, lease: LEASE });
    await isWorked(await start(tracker()), await start(tracker()));
  });
});
