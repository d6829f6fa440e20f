import type { Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import pg from 'pg';
import { DataSource } from 'typeorm';
import { HeldCommit } from '../../src/transaction/postgres/held-commit.js';
import { commitPrepared, type Preparable } from '../../src/transaction/postgres/prepared-commit.js';
import { isPgClient, type PgClient } from '../../src/transaction/postgres/wire.js';
import { Durable, startDurableApp } from '../support/durable-app.js';
import { preparedDatabase } from '../support/prepared-database.js';
import { CutProxy, ofAnotherSession } from '../support/cut-proxy.js';
import { REACHABLE } from '../support/new-database.js';
import { describeWithPostgres } from '../support/services.js';
import { closeApps, type TestApp } from '../support/test-app.js';

const PREPARED = 'SELECT prepare_time AS at FROM pg_prepared_statements';

function ended(client: pg.Client, last: Preparable, follower?: pg.Submittable): Promise<void> {
  const query = client.query.bind(client) as PgClient['query'];
  return new Promise((resolve, reject) => {
    const done = (error?: Error): void => (error ? reject(error) : resolve());
    commitPrepared(query, last, done, follower as never);
  });
}

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
  const preparedAt = async (): Promise<{ at: Date }[]> =>
    (await client.query<{ at: Date }>(PREPARED)).rows;
  const end = (
    sql: string,
    values: unknown[],
    follower?: pg.Query & pg.Submittable,
  ): Promise<void> => {
    return ended(client, { sql, values }, follower);
  };
  const commit = async (value: string | null): Promise<void> => {
    await client.query('BEGIN');
    await end(insert, [value]);
  };

  it('commits what came before, and it', async () => {
    await client.query('BEGIN');
    await client.query(`INSERT INTO kept VALUES ('before')`);
    await end(insert, [1]);
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
    await end('DELETE FROM kept WHERE what = $1', ['1']);
    expect(await kept()).toEqual([]);
  });

  it('commits nothing where it fails', async () => {
    await client.query('BEGIN');
    await client.query(`INSERT INTO kept VALUES ('before')`);
    await expect(end(insert, ['no number'])).rejects.toThrow('no number');
    await client.query('ROLLBACK');
    expect(await kept()).toEqual([]);
    await commit('2');
    expect(await kept()).toEqual([{ what: '2' }]);
  });

  it('is left to clients that are not of pg, and to those that send before they are answered', () => {
    expect(isPgClient(client)).toBe(true);
    expect(isPgClient({ query: () => undefined })).toBe(false);
    expect(isPgClient(Object.assign(Object.create(client) as pg.Client, { pipeline: true }))).toBe(
      false,
    );
  });

  describe('and a query behind it', () => {
    /** Gives the query, and what comes of it. */
    function follower(text: string): [pg.Query & pg.Submittable, Promise<unknown>] {
      let query!: pg.Query & pg.Submittable;
      const outcome = new Promise((resolve) => {
        const callback = (error: Error | null, result: unknown): void => resolve(error ?? result);
        query = new (pg.Query as never as QueryClass)(text, callback);
      });
      return [query, outcome];
    }

    type QueryClass = new (text: string, callback: unknown) => pg.Query & pg.Submittable;

    it('goes out with it, and is answered after it', async () => {
      const told: string[] = [];
      const [query, outcome] = follower('SELECT what FROM kept');
      const { stream } = (client as unknown as { connection: { stream: Socket } }).connection;
      await client.query('BEGIN');
      const before = stream.bytesWritten;
      const committed = end(insert, [1], query).then(() => told.push('committed'));
      const atOnce = stream.bytesWritten - before;
      await Promise.all([committed, outcome.then(() => told.push('answered'))]);
      expect(stream.bytesWritten - before).toBe(atOnce);
      expect(told).toEqual(['committed', 'answered']);
      expect(await outcome).toMatchObject({ rows: [{ what: '1' }] });
      expect(client.getTransactionStatus()).toBe('I');
    });

    it('finds no transaction where the statement fails, and nothing of that one', async () => {
      await client.query('BEGIN');
      await client.query(`INSERT INTO kept VALUES ('before')`);
      const [query, outcome] = follower(`INSERT INTO kept VALUES ('after')`);
      await expect(end(insert, ['no number'], query)).rejects.toThrow('no number');
      expect(await outcome).toMatchObject({ rowCount: 1 });
      expect(await kept()).toEqual([{ what: 'after' }]);
      await commit('2');
    });

    it('finds none where the COMMIT fails', async () => {
      await client.query(
        'CREATE TEMPORARY TABLE once (id text UNIQUE DEFERRABLE INITIALLY DEFERRED)',
      );
      await client.query('BEGIN');
      await client.query(`INSERT INTO once VALUES ('1')`);
      const [query, outcome] = follower('SELECT id FROM once');
      const committed = end('INSERT INTO once VALUES ($1)', ['1'], query);
      await expect(committed).rejects.toThrow('duplicate key');
      expect(await outcome).toMatchObject({ rows: [] });
      expect(client.getTransactionStatus()).toBe('I');
    });

    it('fails in its turn where it cannot be written: what is asked next has its own answer', async () => {
      await client.query('BEGIN');
      const Kind = pg.Query as never as new (...given: unknown[]) => pg.Query & pg.Submittable;
      let told: string | undefined;
      const next = new Promise((resolve) => {
        const query = new Kind('SELECT $1::json', [{ n: 1n }], (error: Error | null) => {
          told = error?.message;
          resolve(kept());
        });
        void end(insert, [1], query);
      });
      expect(await next).toEqual([{ what: '1' }]);
      expect(told).toContain('BigInt');
    });

    it('finds no transaction where it comes later, and the statement has failed', async () => {
      await client.query('BEGIN');
      const last = { sql: insert, values: ['no number'] };
      const held = new HeldCommit({} as never, 'mine', client as unknown as PgClient, last);
      const done = held.done.catch((error: unknown) => error);
      expect(held.take()).toBe('mine');
      expect(String(await done)).toContain('no number');
      const [query, outcome] = follower(`INSERT INTO kept VALUES ('after')`);
      held.follow(query as never);
      expect(await outcome).toMatchObject({ rowCount: 1 });
      expect(await kept()).toEqual([{ what: 'after' }]);
    });

    it('fails as it does where the connection is lost', async () => {
      const lost = new pg.Client(url);
      await lost.connect();
      lost.on('error', () => undefined);
      await lost.query('BEGIN');
      const [query, outcome] = follower('SELECT 1');
      const last = { sql: 'SELECT pg_terminate_backend(pg_backend_pid()), $1::int', values: [1] };
      await expect(ended(lost, last, query)).rejects.toThrow(/terminat/);
      expect(String(await outcome)).toMatch(/terminat|not queryable/);
    });
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
    (await app.get(DataSource).query<unknown[]>(PREPARED)).length;
  const rows = async (): Promise<number> =>
    (await prepared.outside.query<unknown[]>('SELECT 1 FROM ledger')).length;

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
