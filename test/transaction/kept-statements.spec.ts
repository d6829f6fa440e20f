import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import pg from 'pg';
import { DataSource } from 'typeorm';
import { Connections } from '../../src/tracker/typeorm/connections.js';
import { postgresDialect } from '../../src/tracker/typeorm/postgres.dialect.js';
import { holdBegin } from '../../src/transaction/postgres/begin-with-first.js';
import { KeptStatements, queryKept } from '../../src/transaction/postgres/kept-statements.js';
import { queryClassOf, type PgClient } from '../../src/transaction/postgres/wire.js';
import { describeWithPostgres } from '../support/services.js';

interface Prepared {
  readonly statement: string;
  readonly name: string;
  readonly at: Date;
}

const PREPARED = 'SELECT statement, name, prepare_time AS at FROM pg_prepared_statements';
const INSERT = 'INSERT INTO kept VALUES ($1) RETURNING what';

describeWithPostgres('On a connection to PostgreSQL', (url) => {
  let client: pg.Client;

  beforeEach(async () => {
    client = new pg.Client(url);
    await client.connect();
    await client.query('CREATE TEMPORARY TABLE kept (what text UNIQUE)');
  });

  afterEach(async () => {
    jest.restoreAllMocks();
    await client.end();
  });

  const known = (): PgClient => client as unknown as PgClient;
  const query = (sql: string, values: unknown[]): Promise<unknown> =>
    queryKept(known(), queryClassOf(client)!, sql, values);
  const prepared = async (): Promise<Prepared[]> => (await client.query<Prepared>(PREPARED)).rows;
  const kept = async (): Promise<unknown> =>
    (await client.query('SELECT what FROM kept ORDER BY what')).rows;

  describe('a statement that comes often', () => {
    it('is prepared once, and gives its rows', async () => {
      expect(await query(INSERT, ['a'])).toMatchObject({ rows: [{ what: 'a' }], rowCount: 1 });
      const first = await prepared();
      expect(await query(INSERT, ['b'])).toMatchObject({ rows: [{ what: 'b' }] });
      expect(await prepared()).toEqual(first);
      expect(first).toMatchObject([{ statement: INSERT }]);
    });

    it('is planned again after a while, since the table may have grown', async () => {
      await query(INSERT, ['a']);
      const [first] = await prepared();
      jest.spyOn(performance, 'now').mockReturnValue(performance.now() + 2_001);
      await query(INSERT, ['b']);
      const [second, ...more] = await prepared();
      expect(more).toEqual([]);
      expect(second).not.toEqual(first);
    });

    it('goes on where it has failed, and where it could not be prepared', async () => {
      await query(INSERT, ['a']);
      await expect(query(INSERT, ['a'])).rejects.toThrow('duplicate key');
      await query(INSERT, ['b']);
      const missing = 'SELECT what FROM missing WHERE what = $1';
      await expect(query(missing, ['a'])).rejects.toThrow('does not exist');
      await client.query('CREATE TEMPORARY TABLE missing (what text)');
      expect(await query(missing, ['a'])).toMatchObject({ rows: [] });
    });

    it('gives way to another where there are many, the one that was not used for longest first', async () => {
      await query(INSERT, ['used again']);
      for (let number = 1; number < 10; number++) {
        await query(`SELECT ${number} AS number WHERE true = $1`, [true]);
        await query(INSERT, [`${number}`]);
      }
      const names = (await prepared()).map(({ name }) => name);
      expect(names).toHaveLength(8);
      expect((await prepared()).map(({ statement }) => statement)).toContain(INSERT);
    });

    it('is worth it from the second time on', () => {
      const statements = KeptStatements.on(known().connection);
      expect(statements.comesAgain(INSERT)).toBe(false);
      expect(statements.comesAgain(INSERT)).toBe(true);
      for (let number = 0; number < 9; number++) statements.comesAgain(`SELECT ${number}`);
      expect(statements.comesAgain('SELECT 0')).toBe(false);
      expect(statements.comesAgain('SELECT 8')).toBe(true);
    });
  });

  describe('the first INSERT of a transaction', () => {
    const forgotten = jest.fn<() => void>();

    beforeEach(() => void forgotten.mockReset());

    const enter = async (sql: string, values?: unknown[]): Promise<unknown> => {
      holdBegin(client, { forgotten });
      await client.query('START TRANSACTION');
      const result = await client.query(sql, values);
      await client.query('COMMIT');
      return result.rows;
    };

    it('is kept prepared when it comes again', async () => {
      await enter(INSERT, ['a']);
      expect(await prepared()).toEqual([]);
      expect(await enter(INSERT, ['b'])).toEqual([{ what: 'b' }]);
      expect(await enter(INSERT, ['c'])).toEqual([{ what: 'c' }]);
      expect(await prepared()).toMatchObject([{ statement: INSERT }]);
      expect(await kept()).toEqual([{ what: 'a' }, { what: 'b' }, { what: 'c' }]);
    });

    it.each([
      ['a SELECT', 'SELECT what FROM kept WHERE what = $1', ['a']],
      ['one with its values in it', `INSERT INTO kept VALUES ('a') ON CONFLICT DO NOTHING`, []],
      [
        'a long one',
        `INSERT INTO kept VALUES ($1) ON CONFLICT DO NOTHING ${' '.repeat(1000)}`,
        ['a'],
      ],
    ])('is not where it is %s', async (_, sql, values) => {
      for (let times = 0; times < 3; times++) await enter(sql, values);
      expect(await prepared()).toEqual([]);
    });

    it('is not where nobody says that sessions are kept', async () => {
      for (const what of ['a', 'b', 'c']) {
        holdBegin(client);
        await client.query('START TRANSACTION');
        await client.query(INSERT, [what]);
        await client.query('COMMIT');
      }
      expect(await prepared()).toEqual([]);
    });

    it('is run once, in its transaction, where its session has forgotten it', async () => {
      await enter(INSERT, ['a']);
      await enter(INSERT, ['b']);
      await client.query('DEALLOCATE ALL');
      holdBegin(client, { forgotten });
      await client.query('START TRANSACTION');
      await client.query(INSERT, ['c']);
      expect(client.getTransactionStatus()).toBe('T');
      await client.query('COMMIT');
      expect(await kept()).toEqual([{ what: 'a' }, { what: 'b' }, { what: 'c' }]);
      expect(forgotten).toHaveBeenCalledTimes(1);
    });

    it('is run once where its table has other columns now', async () => {
      await enter(INSERT, ['1']);
      await enter(INSERT, ['2']);
      await client.query('ALTER TABLE kept ALTER COLUMN what TYPE integer USING what::integer');
      expect(await enter(INSERT, ['3'])).toEqual([{ what: 3 }]);
      expect(forgotten).not.toHaveBeenCalled();
      expect(await enter(INSERT, ['4'])).toEqual([{ what: 4 }]);
    });

    it('fails as it does otherwise', async () => {
      await enter(INSERT, ['a']);
      await enter(INSERT, ['b']);
      await expect(enter(INSERT, ['b'])).rejects.toThrow('duplicate key');
      await client.query('ROLLBACK');
      expect(await enter(INSERT, ['c'])).toEqual([{ what: 'c' }]);
    });
  });

  it("the tracker's own statements go on where its sessions have forgotten them", async () => {
    const dataSource = await new DataSource({ type: 'postgres', url, poolSize: 1 }).initialize();
    const connections = await Connections.open(dataSource, postgresDialect, 1);
    const ask = async (): Promise<unknown> =>
      (await connections.runOften('SELECT CAST(? AS integer) AS one', [1])).rows;
    try {
      expect(await ask()).toEqual([{ one: 1 }]);
      expect((await connections.run(PREPARED)).rows).toHaveLength(1);
      await connections.run('DISCARD ALL');
      expect(await ask()).toEqual([{ one: 1 }]);
      expect(await ask()).toEqual([{ one: 1 }]);
      expect((await connections.run(PREPARED)).rows).toEqual([]);
    } finally {
      await connections.close();
      await dataSource.destroy();
    }
  });
});
