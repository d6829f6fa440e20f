import { afterEach, beforeEach, expect, it } from '@jest/globals';
import pg from 'pg';
import { commitAlone } from '../../src/transaction/postgres/prepared-commit.js';
import type { PgClient } from '../../src/transaction/postgres/wire.js';
import { describeWithPostgres } from '../support/services.js';

describeWithPostgres('A COMMIT with no statement before it', (url) => {
  let client: pg.Client;

  beforeEach(async () => {
    client = new pg.Client(url);
    await client.connect();
    await client.query('CREATE TEMPORARY TABLE kept (what text)');
    await client.query('BEGIN');
    await client.query(`INSERT INTO kept VALUES ('before')`);
  });

  afterEach(() => client.end());

  const commit = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const query = client.query.bind(client) as PgClient['query'];
      commitAlone(query, (error) => (error ? reject(error) : resolve()));
    });

  it('commits what came before', async () => {
    await commit();
    expect(client.getTransactionStatus()).toBe('I');
    expect((await client.query('SELECT what FROM kept')).rows).toEqual([{ what: 'before' }]);
  });

  it('fails where PostgreSQL has rolled back instead', async () => {
    await client.query('SELECT 1/0').catch(() => undefined);
    await expect(commit()).rejects.toThrow('has given its transaction up');
    expect(client.getTransactionStatus()).toBe('I');
  });
});
