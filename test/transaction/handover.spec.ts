import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import { Background, jobOf, typeOrmTracker, type JobFuture } from '../../src/index.js';
import { HeldCommit } from '../../src/transaction/postgres/held-commit.js';
import { REACHABLE } from '../support/new-database.js';
import { preparedDatabase } from '../support/prepared-database.js';
import { closeApps, startApp, type TestApp } from '../support/test-app.js';
import { until } from '../support/until.js';

@Injectable()
class Short {
  done = 0;

  constructor(private readonly dataSource: DataSource) {}

  @Background()
  async enter(what: string): Promise<string> {
    await this.dataSource.query('INSERT INTO once (what) VALUES ($1)', [what]);
    this.done += 1;
    return what;
  }

  @Background()
  async enterAndThrow(what: string): Promise<void> {
    await this.dataSource.query('INSERT INTO once (what) VALUES ($1)', [what]);
    throw new Error('no');
  }
}

const describeOnPostgres = REACHABLE.includes('postgres') ? describe : describe.skip;

describeOnPostgres('Short jobs that follow each other on a connection', () => {
  const prepared = preparedDatabase('postgres');
  let joined: jest.Spied<typeof HeldCommit.join>;

  beforeEach(async () => {
    joined = jest.spyOn(HeldCommit, 'join');
    // What is there twice is noticed at COMMIT alone.
    await prepared.outside.query(
      'CREATE TABLE once (what text UNIQUE DEFERRABLE INITIALLY DEFERRED)',
    );
  });

  afterEach(async () => {
    joined.mockRestore();
    await closeApps();
    await prepared.outside.query('DROP TABLE once');
  });

  const start = (concurrency: number, extra = {}): Promise<TestApp> =>
    startApp({
      imports: [
        TypeOrmModule.forRoot({
          ...prepared.database.options,
          ...{ poolSize: concurrency, extra },
        } as never),
      ],
      providers: [Short],
      background: { tracker: typeOrmTracker(), concurrency },
    });
  const enter = (app: TestApp, what: string): JobFuture<string> =>
    jobOf(app.get(Short).enter(what));
  const rows = async (): Promise<string[]> =>
    (await prepared.outside.query<{ what: string }[]>('SELECT what FROM once')).map(
      ({ what }) => what,
    );
  const handedOver = (): number =>
    joined.mock.results.filter(({ value }) => value !== undefined).length;

  it('have each its own outcome, also where a COMMIT in between fails', async () => {
    const app = await start(4);
    const names = Array.from({ length: 400 }, (_, at) => (at % 4 === 0 ? 'twice' : `row ${at}`));
    const futures = names.map((name) => enter(app, name));
    const outcomes = await Promise.allSettled(futures);
    expect(handedOver()).toBeGreaterThan(10);
    const failed = outcomes.filter(({ status }) => status === 'rejected');
    expect(failed).toHaveLength(99);
    expect(String((failed[0] as PromiseRejectedResult).reason)).toContain('duplicate key');
    expect((await rows()).toSorted()).toEqual([...new Set(names)].toSorted());
    const jobs = await Promise.all(futures.map((future) => future.job()));
    expect(new Set(jobs.map(({ attempt }) => attempt))).toEqual(new Set([1]));
    expect(jobs.filter(({ state }) => state === 'completed')).toHaveLength(301);
  });

  it('leave nothing of one that throws to the next', async () => {
    const app = await start(4);
    const futures = Array.from({ length: 200 }, (_, at) =>
      at % 2 === 0 ? enter(app, `row ${at}`) : app.get(Short).enterAndThrow(`row ${at}`),
    );
    const outcomes = await Promise.allSettled<unknown>(futures);
    expect(outcomes.filter(({ status }) => status === 'rejected')).toHaveLength(100);
    expect(await rows()).toHaveLength(100);
  });

  it('leave it to who waits for one in the pool', async () => {
    const app = await start(2);
    const futures = Array.from({ length: 300 }, (_, at) => enter(app, `row ${at}`));
    await until(() => handedOver() > 0);
    await app.get(DataSource).query('SELECT 1');
    expect(app.get(Short).done).toBeLessThan(300);
    await Promise.all(futures);
    expect(await rows()).toHaveLength(300);
  });

  it('have each a connection for itself where its client gives up what takes long', async () => {
    const app = await start(4, { query_timeout: 60_000 });
    await Promise.all(Array.from({ length: 100 }, (_, at) => enter(app, `row ${at}`)));
    expect(handedOver()).toBe(0);
    expect(await rows()).toHaveLength(100);
  });

  it('see what the one before has done, where they run one by one', async () => {
    const app = await start(1);
    const futures = Array.from({ length: 50 }, (_, at) => enter(app, `row ${at}`));
    await Promise.all(futures);
    expect(handedOver()).toBe(0);
    expect(await rows()).toEqual(Array.from({ length: 50 }, (_, at) => `row ${at}`));
  });

  it('are stopped without the one before, whose COMMIT takes its time', async () => {
    await prepared.outside.query(`
      CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.5); RETURN NULL; END';
      CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON once DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW WHEN (NEW.what LIKE 'slow%') EXECUTE FUNCTION dawdle();`);
    const app = await start(2);
    // At the pace of many quick ones the next are made ready.
    const quick = Array.from({ length: 100 }, (_, at) => enter(app, `row ${at}`));
    const slow = [enter(app, 'slow 1'), enter(app, 'slow 2')];
    const next = Array.from({ length: 20 }, (_, at) => enter(app, `next ${at}`));
    const outcomes = Promise.allSettled(next);
    await Promise.all(quick);
    await until(async () => (await sleeping()) > 0);
    await Promise.all(next.map((future) => future.cancel()));
    expect(await Promise.all(slow)).toEqual(['slow 1', 'slow 2']);
    expect(await Promise.all(slow.map((future) => future.job()))).toMatchObject([
      { state: 'completed', attempt: 1 },
      { state: 'completed', attempt: 1 },
    ]);
    await outcomes;
    await prepared.outside.query('DROP FUNCTION dawdle CASCADE');
  });

  const sleeping = async (): Promise<number> =>
    (
      await prepared.outside.query<unknown[]>(
        `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'`,
      )
    ).length;
});
