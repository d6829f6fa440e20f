import { afterEach, beforeEach, expect, it } from '@jest/globals';
import pg from 'pg';
import { holdBegin } from '../../src/transaction/postgres/begin-with-first.js';
import { describeWithPostgres } from '../support/services.js';
import { until } from '../support/until.js';

describeWithPostgres('A BEGIN that waits for the first statement', (url) => {
  let client: pg.Client;

  beforeEach(async () => {
    client = new pg.Client(url);
    await client.connect();
    await client.query('CREATE TEMPORARY TABLE kept (what text)');
  });

  afterEach(() => client.end());

  const kept = async (): Promise<unknown> => (await client.query('SELECT what FROM kept')).rows;

  it('goes out with it, and it is in the transaction', async () => {
    holdBegin(client);
    await client.query('START TRANSACTION');
    expect(client.getTransactionStatus()).toBe('I');
    const sql = 'INSERT INTO kept VALUES ($1) RETURNING what';
    expect(await client.query(sql, ['a'])).toMatchObject({
      ...{ command: 'INSERT', rowCount: 1, rows: [{ what: 'a' }] },
    });
    expect(client.getTransactionStatus()).toBe('T');
    await client.query('ROLLBACK');
    expect(await kept()).toEqual([]);
  });

  it('sees a statement without parameters, and one that sets the isolation, in the same way', async () => {
    holdBegin(client);
    await client.query('START TRANSACTION');
    await client.query('SET TRANSACTION ISOLATION LEVEL SERIALIZABLE');
    const { rows } = await client.query('SHOW transaction_isolation');
    expect(rows).toEqual([{ transaction_isolation: 'serializable' }]);
    await client.query('COMMIT');
    expect(client.getTransactionStatus()).toBe('I');
  });

  it('leaves a transaction to be rolled back where that fails', async () => {
    holdBegin(client);
    await client.query('START TRANSACTION');
    await expect(client.query('SELECT * FROM missing')).rejects.toThrow('does not exist');
    // The client tells of the error first, and then hears how the transaction stands.
    await until(() => client.getTransactionStatus() === 'E');
    await client.query('ROLLBACK');
  });

  it('goes out before what is no plain statement', async () => {
    holdBegin(client);
    await client.query('START TRANSACTION');
    const { rows } = await client.query({ text: 'SELECT 1 AS one', rowMode: 'array' });
    expect(rows).toEqual([[1]]);
    expect(client.getTransactionStatus()).toBe('T');
    await client.query('COMMIT');
  });

  it('goes out before a statement that tells by a callback', async () => {
    holdBegin(client);
    await client.query('START TRANSACTION');
    const rows = await new Promise((resolve) => {
      client.query('SELECT $1::int AS one', [1], (_error, result) => resolve(result.rows));
    });
    expect(rows).toEqual([{ one: 1 }]);
    expect(client.getTransactionStatus()).toBe('T');
    await client.query('COMMIT');
  });

  it('is forgotten where no statement has come', async () => {
    const held = holdBegin(client)!;
    await client.query('START TRANSACTION');
    expect(held.isPending).toBe(true);
    held.forget();
    await client.query("INSERT INTO kept VALUES ('b')");
    expect(client.getTransactionStatus()).toBe('I');
    expect(await kept()).toEqual([{ what: 'b' }]);
  });

  it('is left to clients that are not of pg', () => {
    expect(holdBegin({ query: () => undefined })).toBeUndefined();
  });

  it('goes out before several statements in one text, which only the simple protocol takes', async () => {
    holdBegin(client);
    await client.query('START TRANSACTION');
    await client.query(`INSERT INTO kept VALUES ('a'); INSERT INTO kept VALUES ('b')`);
    expect(client.getTransactionStatus()).toBe('T');
    await client.query('ROLLBACK');
    expect(await kept()).toEqual([]);
  });
});
