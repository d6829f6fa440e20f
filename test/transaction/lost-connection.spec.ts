import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { DataSource, DataSourceOptions } from 'typeorm';
import { jobOf, type JobFuture } from '../../src/index.js';
import { answerLost, CutProxy, neverArrives, type Fate } from '../support/cut-proxy.js';
import { Durable, startDurableApp } from '../support/durable-app.js';
import { REACHABLE } from '../support/new-database.js';
import { preparedDatabase } from '../support/prepared-database.js';
import { closeApps, type TestApp } from '../support/test-app.js';
import { until } from '../support/until.js';

const KINDS = REACHABLE.filter((kind) => kind !== 'sqlite');

describe.each(KINDS)('A job whose connection to %s is cut', (kind) => {
  const prepared = preparedDatabase(kind);
  let proxy: CutProxy;
  let app: TestApp;

  const startApp = async (): Promise<TestApp> => {
    const options = { ...prepared.database.options, url: proxy.url } as DataSourceOptions;
    return startDurableApp({ ...prepared.database, options }, { lease: '1m' });
  };

  beforeEach(async () => {
    proxy = await CutProxy.to((prepared.database.options as { url: string }).url);
    app = await startApp();
  });

  afterEach(async () => {
    await closeApps();
    await proxy[Symbol.asyncDispose]();
    await prepared.outside.query('DELETE FROM ledger');
  });

  const rowsOf = async (id: string): Promise<number> =>
    (await prepared.outside.query<unknown[]>(`SELECT job FROM ledger WHERE job = '${id}'`)).length;

  const recordsOf = async (id: string): Promise<number> =>
    (await prepared.outside.query<unknown[]>(`SELECT id FROM background_job WHERE id = '${id}'`))
      .length;

  /** A job that is about to commit. */
  async function begun(): Promise<{ future: JobFuture<number> }> {
    const future = jobOf(app.get(Durable).enter());
    await until(async () => (await app.service.output(future.id)) === 'attempt 1\n');
    await until(async () => app.get(Durable).written > 0);
    return { future };
  }

  function finish(fate?: Fate): void {
    proxy.fate = fate;
    app.get(Durable).latch.open();
  }

  async function expectDone(future: JobFuture<number>, attempt: number): Promise<void> {
    expect(await future).toBe(attempt);
    expect(await future.job()).toMatchObject({ state: 'completed', attempt, result: attempt });
    expect(await rowsOf(future.id)).toBe(1);
  }

  it('is completed where only the answer to its COMMIT got lost', async () => {
    const { future } = await begun();
    finish(answerLost);
    await expectDone(future, 1);
  });

  it('runs again where its COMMIT never arrived', async () => {
    const { future } = await begun();
    finish(neverArrives);
    await expectDone(future, 2);
  });

  it('is completed where the database is away right after its COMMIT, and comes back', async () => {
    const { future } = await begun();
    finish((_client, server, commit) => {
      server.removeAllListeners('data');
      server.once('data', () => proxy.goDown());
      server.write(commit);
    });
    await until(() => proxy.refused > 2);
    proxy.isDown = false;
    await expectDone(future, 1);
  });

  it('runs again where the database is away before its COMMIT, and comes back', async () => {
    const { future } = await begun();
    finish(() => proxy.goDown());
    await until(() => proxy.refused > 2);
    proxy.isDown = false;
    await expectDone(future, 2);
  });

  it('runs once, as others do, where the answer to the start of them all got lost', async () => {
    proxy.word = `SET state = 'running'`;
    proxy.fate = answerLost;
    app.get(Durable).latch.open();
    const futures = Array.from({ length: 5 }, () => jobOf(app.get(Durable).enter()));
    await Promise.all(futures);
    expect(proxy.fate).toBeUndefined();
    for (const { id } of futures) expect(await rowsOf(id)).toBe(1);
  });

  it('leaves no record where only the answer to its call got lost, and the database was away then', async () => {
    const { future: other } = await begun();
    // An argument: the text of a statement is not sent where it is kept prepared.
    proxy.word = 'refused';
    proxy.fate = (_client, server, insert) => {
      server.removeAllListeners('data');
      server.once('data', () => proxy.goDown());
      server.write(insert);
    };
    const refused = jobOf(app.get(Durable).enter('refused'));
    await expect(refused.accepted).rejects.toThrow();
    expect(await recordsOf(refused.id)).toBe(1);
    proxy.isDown = false;
    await until(async () => (await recordsOf(refused.id)) === 0);
    finish();
    await expectDone(other, 2);
  });

  it('starts later where the database is away when its turn has come', async () => {
    const { future: first } = await begun();
    const others = Array.from({ length: 12 }, () => jobOf(app.get(Durable).enter()));
    await Promise.all(others.map((future) => future.accepted));
    proxy.goDown();
    app.get(Durable).latch.open();
    await until(() => proxy.refused > 2);
    proxy.isDown = false;
    await Promise.all([first, ...others]);
    for (const { id } of [first, ...others]) expect(await rowsOf(id)).toBe(1);
  });

  if (kind !== 'postgres') return;

  it('is completed where its COMMIT was still going on when the connection was cut', async () => {
    await slowCommits(prepared.outside, async (committing) => {
      const { future } = await begun();
      finish((client, server, commit) => {
        server.write(commit);
        void until(committing).then(() => client.destroy());
      });
      await expectDone(future, 1);
    });
  });

  it('runs again where its COMMIT is late, which then is refused', async () => {
    let arrive: (() => void) | undefined;
    const { future } = await begun();
    finish((client, server, commit) => {
      arrive = () => server.write(commit);
      client.removeAllListeners('close');
      client.destroy();
    });
    await expectDone(future, 2);
    arrive!();
    await until(
      async () => (await sessions(prepared.outside, `state LIKE 'idle in tr%aborted%'`)) > 0,
    );
    await endSessions(prepared.outside, `state LIKE 'idle in tr%'`);
    expect(await rowsOf(future.id)).toBe(1);
  });

  it('runs again where its session is ended while it works', async () => {
    const { future } = await begun();
    await endSessions(prepared.outside, `state = 'idle in transaction'`);
    finish();
    await expectDone(future, 2);
  });

  it('runs again where its session is ended during its COMMIT', async () => {
    await slowCommits(prepared.outside, async (committing) => {
      const { future } = await begun();
      finish();
      await until(committing);
      await endSessions(prepared.outside, `wait_event = 'PgSleep'`);
      await expectDone(future, 2);
    });
  });

  it('fails with the reason where its session is ended since it idled too long', async () => {
    await prepared.outside.query(
      `ALTER DATABASE ${String(prepared.outside.driver.database)} SET idle_in_transaction_session_timeout = 50`,
    );
    try {
      // What is connected already goes by the old setting.
      await closeApps();
      app = await startApp();
      const future = jobOf(app.get(Durable).enter());
      const outcome = future.catch((error: unknown) => error);
      await until(() => app.get(Durable).written === 1);
      await until(async () => (await sessions(prepared.outside, `state LIKE 'idle in tr%'`)) === 0);
      finish();
      expect(String(await outcome)).toContain('idle-in-transaction timeout');
      expect(await future.job()).toMatchObject({ state: 'failed', attempt: 1 });
    } finally {
      await prepared.outside.query(
        `ALTER DATABASE ${String(prepared.outside.driver.database)} RESET idle_in_transaction_session_timeout`,
      );
    }
  });

  it('fails in the end where that happens each time', async () => {
    const { future } = await begun();
    const outcome = future.catch((error: unknown) => error);
    for (let attempt = 1; attempt <= 6; attempt++) {
      await until(() => app.get(Durable).written === attempt);
      await endSessions(prepared.outside, `state = 'idle in transaction'`);
      app.get(Durable).nextLatch();
    }
    expect(String(await outcome)).toContain('terminating connection');
    expect(await future.job()).toMatchObject({ state: 'failed', attempt: 6 });
    expect(await rowsOf(future.id)).toBe(0);
  });
});

const OTHERS = 'datname = current_database() AND pid <> pg_backend_pid()';

async function sessions(outside: DataSource, condition: string): Promise<number> {
  const sql = `SELECT count(*) FROM pg_stat_activity WHERE ${OTHERS} AND ${condition}`;
  const [{ count }] = await outside.query<[{ count: string }]>(sql);
  return Number(count);
}

async function endSessions(outside: DataSource, condition: string): Promise<void> {
  await outside.query(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE ${OTHERS} AND ${condition}`,
  );
}

/** Has each COMMIT with a row of the ledger take half a second. */
async function slowCommits(
  outside: DataSource,
  work: (committing: () => Promise<boolean>) => Promise<void>,
): Promise<void> {
  await outside.query(`
    CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.5); RETURN NULL; END';
    CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON ledger DEFERRABLE INITIALLY DEFERRED
      FOR EACH ROW EXECUTE FUNCTION dawdle();`);
  try {
    await work(async () => (await sessions(outside, `wait_event = 'PgSleep'`)) > 0);
  } finally {
    await outside.query('DROP FUNCTION dawdle CASCADE');
  }
}
