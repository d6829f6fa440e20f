import type { Socket } from 'node:net';
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
    const { stream } = (client as unknown as { connection: { stream: Socket } }).connection;
    const written = async (): Promise<number> => {
      const before = stream.bytesWritten;
      await read();
      return stream.bytesWritten - before;
    };
    const plain = await written();
    const leave = closePortals(client);
    // "Close" of the portal that has no name.
    expect(await written()).toBe(plain + 7);
    leave!();
    expect(await written()).toBe(plain);
  });

  it('is left to clients that are not of pg', () => {
    expect(closePortals({ query: () => undefined })).toBeUndefined();
  });
});
