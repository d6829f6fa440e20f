import { afterEach, beforeEach, expect, it } from '@jest/globals';
import pg from 'pg';
import { closePortals } from '../../src/transaction/postgres/close-portals.js';
import { describeWithPostgres } from '../support/services.js';

describeWithPostgres('A transaction whose portals are closed', (url) => {
  let client: pg.Client;

  beforeEach(async () => {
    client = new pg.Client(url);
    await client.connect();
  });

  afterEach(() => client.end());

  const read = (): Promise<pg.QueryResult> => client.query('SELECT $1::int AS one', [1]);

  it('has its answers as before, also after an error', async () => {
    closePortals(client);
    await client.query('BEGIN');
    expect((await read()).rows).toEqual([{ one: 1 }]);
    await client.query('SAVEPOINT here');
    await expect(client.query('SELECT 1 / $1::int', [0])).rejects.toThrow('division by zero');
    await client.query('ROLLBACK TO here');
    expect((await read()).rows).toEqual([{ one: 1 }]);
    await client.query('COMMIT');
  });

  it('takes prepared statements, which it runs again', async () => {
    closePortals(client);
    const prepared = { name: 'one', text: 'SELECT $1::int AS one', values: [2] };
    await client.query('BEGIN');
    expect((await client.query(prepared)).rows).toEqual([{ one: 2 }]);
    expect((await client.query(prepared)).rows).toEqual([{ one: 2 }]);
    await client.query('COMMIT');
  });

  it('closes none any more when that is over', async () => {
    const { connection } = client as unknown as { connection: pg.Connection };
    const closed: unknown[] = [];
    connection.close = (what: unknown) => void closed.push(what);
    const leave = closePortals(client);
    await read();
    leave!();
    await read();
    expect(closed).toEqual([{ type: 'P' }]);
  });

  it('is left to clients that are not of pg', () => {
    expect(closePortals({ query: () => undefined })).toBeUndefined();
  });
});
