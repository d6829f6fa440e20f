import { afterEach, beforeEach, expect, it } from '@jest/globals';
import pg from 'pg';
import { DataSource } from 'typeorm';
import { typeOrmTracker, type JobTracker } from '../../src/index.js';
import { chunk, created, running } from '../../src/testing/tracker-cases/case.js';
import { fakeClock } from '../../src/testing/index.js';
import { createBackgroundTables } from '../../src/tracker/typeorm/entry.js';
import { newDatabase, type TestDatabase } from '../support/new-database.js';
import { describeWithPostgres } from '../support/services.js';
import { until } from '../support/until.js';

/** Time stands still, so that nobody looks for news: what is heard of was pushed. */
describeWithPostgres('Two processes on one PostgreSQL', () => {
  let database: TestDatabase;
  let dataSource: DataSource;
  let opened: JobTracker[];

  beforeEach(async () => {
    opened = [];
    database = await newDatabase('postgres');
    dataSource = await new DataSource(database.options).initialize();
    const runner = dataSource.createQueryRunner();
    await createBackgroundTables(runner);
    await runner.release();
  });

  afterEach(async () => {
    for (const tracker of opened) await tracker.close();
    await dataSource.destroy();
    await database[Symbol.asyncDispose]();
  });

  async function open(): Promise<JobTracker> {
    const tracker = typeOrmTracker();
    const retention = { completed: 60_000, failed: 60_000, count: 100 };
    await tracker.open({ clock: fakeClock(), retention });
    await tracker.connect!(new Map([['default', dataSource]]));
    opened.push(tracker);
    return tracker;
  }

  /** A job of one process that another one watches, which the first has heard of. */
  async function watched() {
    const here = await open();
    const there = await open();
    const { id } = await running(here);
    const news = { heard: 0 };
    there.watch(id, () => (news.heard += 1));
    const hears = async (): Promise<void> => {
      const before = news.heard;
      await until(async () => {
        // A change of its own each time: the one before may have come too early.
        await here.change(id, { type: 'release', at: 1 });
        await here.change(id, { type: 'start', at: 1 });
        return news.heard > before;
      });
    };
    return { here, there, id, news, hears };
  }

  async function afterwards(news: { heard: number }, change: () => unknown): Promise<void> {
    const before = news.heard;
    await change();
    await until(() => news.heard > before);
  }

  it('tell each other of output, progress and the end', async () => {
    const { here, there, id, news, hears } = await watched();
    await hears();
    const { attempt } = (await here.find(id))!;
    await afterwards(news, () =>
      here.append(id, { chunks: [chunk(1, 'x')], gap: undefined }, attempt),
    );
    await until(async () => (await there.output(id, 0))?.last === 1);
    await afterwards(news, () => here.change(id, { type: 'complete', at: 2, result: 1 }, attempt));
    expect((await there.find(id))?.state).toBe('completed');
  });

  it('tell of an end in a transaction when that is committed', async () => {
    const { here, there, id, news, hears } = await watched();
    await hears();
    const { attempt } = (await here.find(id))!;
    const states: unknown[] = [];
    const look = async (): Promise<unknown> => states.push((await there.find(id))?.state);
    there.watch(id, () => void look());
    await afterwards(news, () =>
      dataSource.transaction(async ({ queryRunner }) => {
        const query = queryRunner!.query.bind(queryRunner);
        const change = { type: 'complete', at: 2, result: 1 } as const;
        await here.change(id, change, attempt, { dataSource, query });
      }),
    );
    await until(() => states.includes('completed'));
  });

  it('go on telling after their connections were cut', async () => {
    const { hears } = await watched();
    await hears();
    await dataSource.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'`,
    );
    await hears();
  });

  it('send nothing of a job that nobody watches', async () => {
    const { url } = database.options as { url: string };
    const listener = new pg.Client(url);
    await listener.connect();
    const heard: unknown[] = [];
    listener.on('notification', ({ payload }) => heard.push(payload));
    await listener.query('LISTEN nestjs_background');
    const here = await open();
    const { id } = await created(here);
    await here.change(id, { type: 'start', at: 1 });
    await here.change(id, { type: 'complete', at: 2, result: 1 }, 1);
    await dataSource.query(`NOTIFY nestjs_background, 'the end'`);
    await until(() => heard.length > 0);
    expect(heard).toEqual(['the end']);
    await listener.end();
  });
});
