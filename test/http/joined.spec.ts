import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { Controller, Get, Injectable, Param } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import { Background, Backgrounder, print, type JobTracker } from '../../src/index.js';
import { bullMqEngine } from '../../src/engine/bullmq/entry.js';
import { redisTracker } from '../../src/tracker/redis/entry.js';
import { idIn, locationOf, startAt } from '../support/http.js';
import { Latch } from '../support/latch.js';
import { preparedDatabase } from '../support/prepared-database.js';
import { dropQueue } from '../support/queues.js';
import { newPrefix, removeKeys } from '../support/redis.js';
import { describeWithRedis } from '../support/services.js';
import { slowTracker } from '../support/slow-tracker.js';
import { closeApps, PLATFORMS, startApp, type TestApp } from '../support/test-app.js';

function keyOf(id: string): string {
  if (id === 'broken') throw new Error('no key');
  return id;
}

@Injectable()
class Reports {
  readonly latch = new Latch();

  @Background({ unique: { key: keyOf } })
  async build(id: string): Promise<string> {
    print(`building ${id}`);
    await this.latch.opened;
    return id;
  }
}

@Controller()
class ReportsController {
  constructor(private readonly reports: Reports) {}

  @Backgrounder({ cancel: true })
  @Get('reports/:id/build')
  build(@Param('id') id: string): void {
    void this.reports.build(id);
  }

  @Backgrounder()
  @Get('archive/:id')
  archive(@Param('id') id: string): void {
    print('from the archive');
    void this.reports.build(id);
  }
}

type Request = { headers: Record<string, string | undefined> };
const owner = ({ headers }: Request): string | undefined => headers['x-user'];
const by = (user: string): RequestInit => ({ headers: { 'x-user': user } });
const jobs = { controllers: [ReportsController], providers: [Reports] };

afterEach(closeApps);

describe.each(PLATFORMS)('A handler that calls a job which is there already, on %s', (platform) => {
  const start = (tracker?: JobTracker): Promise<TestApp> =>
    startApp({ ...jobs, platform, background: { http: { owner }, ...(tracker && { tracker }) } });
  const status = async (app: TestApp, location: string, user: string): Promise<number> =>
    (await app.fetch(location, by(user))).status;

  it('shows it to its own caller, and to nobody who has not called it', async () => {
    const app = await start();
    const anns = await startAt(app, '/reports/7/build', by('ann'));
    const bobs = await startAt(app, '/reports/7/build', by('bob'));
    expect(bobs).toBe(anns);
    const shown = await app.fetch(bobs, by('bob'));
    expect([shown.status, await shown.text()]).toEqual([200, 'building 7\n']);
    expect(await status(app, anns, 'ann')).toBe(200);
    expect(await status(app, anns, 'eve')).toBe(404);
    expect(await status(app, anns.replace('/7/', '/8/'), 'bob')).toBe(404);
  });

  it('prints what comes before that call to the console', async () => {
    const app = await start();
    const lines = jest.spyOn(console, 'log').mockImplementation(() => undefined);
    await startAt(app, '/reports/7/build');
    await startAt(app, '/archive/7');
    expect(lines.mock.calls).toEqual([['%s', 'from the archive']]);
    lines.mockRestore();
  });

  it('shows it at its own path, where it was started at another', async () => {
    const app = await start();
    await startAt(app, '/reports/7/build', by('ann'));
    const location = await startAt(app, '/archive/7', by('ann'));
    expect(location).toMatch(/^\/archive\/7\?_t=/);
    expect(await status(app, location, 'ann')).toBe(200);
  });

  it('shows it where no request has started it', async () => {
    const app = await start();
    void app.get(Reports).build('7');
    expect(await status(app, await startAt(app, '/archive/7', by('ann')), 'ann')).toBe(200);
  });

  it('shows it where the job is still being stored, and noted later', async () => {
    const app = await start(slowTracker());
    const [anns, bobs] = await Promise.all([
      startAt(app, '/reports/7/build', by('ann')),
      startAt(app, '/reports/7/build', by('bob')),
    ]);
    expect([await status(app, anns, 'ann'), await status(app, bobs, 'bob')]).toEqual([200, 200]);
  });

  it('fails where the key of the call cannot be told', async () => {
    const app = await start();
    expect((await app.fetch('/archive/broken')).status).toBe(500);
  });

  it('leaves it to who has started it to cancel it', async () => {
    const app = await start();
    const location = await startAt(app, '/reports/7/build', by('ann'));
    await startAt(app, '/reports/7/build', by('bob'));
    const cancel = (user: string): Promise<Response> =>
      app.fetch(`${location}&_cancel=1`, { ...by(user), method: 'POST' });
    const page = async (user: string): Promise<string> =>
      (
        await app.fetch(location, { headers: { 'x-user': user, accept: 'application/json' } })
      ).text();
    expect((await cancel('bob')).status).toBe(404);
    expect(await page('bob')).toContain('"running"');
    expect((await cancel('ann')).status).toBe(303);
    expect(await page('bob')).toContain('"cancelled"');
  });
});

@Controller()
class InTransaction {
  constructor(
    private readonly reports: Reports,
    private readonly dataSource: DataSource,
  ) {}

  @Backgrounder()
  @Get('committed/:id')
  async build(@Param('id') id: string): Promise<void> {
    await this.dataSource.transaction(async () => void this.reports.build(id));
  }
}

describeWithRedis('A handler that calls a job which another process has', (redis) => {
  const prefix = newPrefix();
  const own = preparedDatabase('sqlite');

  afterEach(async () => {
    await closeApps();
    await dropQueue({ redis }, prefix);
    await removeKeys(redis, prefix);
  });

  const start = (): Promise<TestApp> =>
    startApp({
      ...{ ...jobs, controllers: [ReportsController, InTransaction] },
      imports: [TypeOrmModule.forRoot(own.database.options)],
      background: {
        ...{ tracker: redisTracker({ url: redis, prefix }), http: { owner } },
        engine: bullMqEngine({ redis, queue: prefix }),
      },
    });

  it('shows it to its own caller', async () => {
    const [first, second] = [await start(), await start()];
    const anns = await startAt(first, '/reports/7/build', by('ann'));
    const bobs = locationOf(await second.fetch('/reports/7/build', by('bob')));
    expect(bobs).toBe(anns);
    expect((await first.fetch(bobs, by('bob'))).status).toBe(200);
    expect((await second.fetch(anns, by('ann'))).status).toBe(200);
    expect((await second.fetch(anns, by('eve'))).status).toBe(404);
    [first, second].forEach((app) => app.get(Reports).latch.open());
  });

  it('shows it to its own caller where that was in a transaction', async () => {
    const [first, second] = [await start(), await start()];
    const anns = await startAt(first, '/reports/8/build', by('ann'));
    const bobs = await startAt(second, '/committed/8', by('bob'));
    expect(idIn(bobs)).toBe(idIn(anns));
    expect((await first.fetch(bobs, by('bob'))).status).toBe(200);
    [first, second].forEach((app) => app.get(Reports).latch.open());
  });
});
