import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import pg from 'pg';
import { DataSource } from 'typeorm';
import { commitPrepared } from '../../src/transaction/postgres/prepared-commit.js';
import { Durable, startDurableApp } from '../support/durable-app.js';
import { preparedDatabase } from '../support/prepared-database.js';
import { CutProxy, ofAnotherSession } from '../support/cut-proxy.js';
import { REACHABLE } from '../support/new-database.js';
import { describeWithPostgres } from '../support/services.js';
import { closeApps, type TestApp } from '../support/test-app.js';

const PREPARED = 'SELECT prepare_time AS at FROM pg_prepared_statements';

describeWithPostgres('A COMMIT with a statement that is kept prepared', (url) => {
  let client: pg.Client;

  beforeEach(async () => {
    client = new pg.Client(url);
    await client.connect();
    await client.query('CREATE TEMPORARY TABLE kept (what text)');
  });

  afterEach(async () => {
    jest.restoreAllMocks();
    await client.end();
  });

  const insert = 'INSERT INTO kept SELECT CAST(CAST($1 AS integer) AS text)';
  const kept = async (): Promise<unknown> => (await client.query('SELECT what FROM kept')).rows;
  const preparedAt = async (): Promise<unknown[]> => (await client.query(PREPARED)).rows;
  const commit = async (value: string | null): Promise<void> => {
    await client.query('BEGIN');
    await commitPrepared(client, insert, [value]);
  };

  it('commits what came before, and it', async () => {
    await client.query('BEGIN');
    await client.query(`INSERT INTO kept VALUES ('before')`);
    await commitPrepared(client, insert, [1]);
    await client.query('ROLLBACK');
    expect(await kept()).toEqual([{ what: 'before' }, { what: '1' }]);
  });

  it('prepares it once', async () => {
    await commit('1');
    const first = await preparedAt();
    expect(first).toHaveLength(1);
    await commit(null);
    expect(await preparedAt()).toEqual(first);
    expect(await kept()).toEqual([{ what: '1' }, { what: null }]);
  });

  it('plans it again after a while, since the table may have grown', async () => {
    await commit('1');
    const [first] = await preparedAt();
    const later = performance.now() + 2_001;
    jest.spyOn(performance, 'now').mockReturnValue(later);
    await commit('2');
    const [second, ...more] = await preparedAt();
    expect(more).toEqual([]);
    expect(second).not.toEqual(first);
  });

  it('takes another statement in its place', async () => {
    await commit('1');
    await client.query('BEGIN');
    await commitPrepared(client, 'DELETE FROM kept WHERE what = $1', ['1']);
    expect(await kept()).toEqual([]);
  });

  it('commits nothing where it fails', async () => {
    await client.query('BEGIN');
    await client.query(`INSERT INTO kept VALUES ('before')`);
    await expect(commitPrepared(client, insert, ['no number'])).rejects.toThrow('no number');
    await client.query('ROLLBACK');
    expect(await kept()).toEqual([]);
    await commit('2');
    expect(await kept()).toEqual([{ what: '2' }]);
  });

  it('is left to clients that are not of pg', () => {
    expect(commitPrepared({ query: () => undefined }, insert, [])).toBeUndefined();
  });
});

const describeDurable = REACHABLE.includes('postgres') ? describe : describe.skip;

describeDurable('The mark of a job on PostgreSQL', () => {
  const prepared = preparedDatabase('postgres');

  afterEach(() => prepared.outside.query('DELETE FROM ledger'));

  /** With one connection in its pool, so that each job has the same. */
  const start = (url?: string): Promise<TestApp> => {
    const { options } = prepared.database;
    const own = { ...options, ...(url && { url }), poolSize: 1 } as typeof options;
    return startDurableApp({ ...prepared.database, options: own });
  };
  /** Gives the number of the attempt that was the last. */
  const run = async (app: TestApp): Promise<unknown> => {
    app.get(Durable).latch.open();
    return app.get(Durable).enter();
  };
  const marks = async (app: TestApp): Promise<number> =>
    (await app.get(DataSource).query(PREPARED)).length;
  const rows = async (): Promise<number> =>
    (await prepared.outside.query('SELECT 1 FROM ledger')).length;

  it('is kept prepared', async () => {
    const app = await start();
    await run(app);
    expect(await marks(app)).toBe(1);
  });

  it('is prepared no more where sessions are reset between jobs, and each job is done once', async () => {
    const app = await start();
    expect(await run(app)).toBe(1);
    await app.get(DataSource).query('DISCARD ALL');
    expect(await run(app)).toBe(2);
    await app.get(DataSource).query('DISCARD ALL');
    expect(await run(app)).toBe(1);
    expect(await marks(app)).toBe(0);
    expect(await rows()).toBe(3);
  });

  it('is not prepared behind a pooler of connections', async () => {
    const { options } = prepared.database;
    await using pooler = await CutProxy.to((options as { url: string }).url);
    pooler.rewrite = ofAnotherSession;
    const app = await start(pooler.url);
    expect(await run(app)).toBe(1);
    expect(await marks(app)).toBe(0);
    expect(await rows()).toBe(1);
    await closeApps();
  });
});
