import { afterEach, beforeEach, expect, it } from '@jest/globals';
import pg from 'pg';
import { commitPrepared } from '../../src/transaction/postgres/prepared-commit.js';
import type { PgClient } from '../../src/transaction/postgres/wire.js';
import { describeWithPostgres } from '../support/services.js';

type Follower = pg.Query & pg.Submittable;
type Kind = new (text: string, values: unknown[], callback: unknown) => Follower;

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

  const commit = (follower?: Follower): Promise<void> =>
    new Promise((resolve, reject) => {
      const query = client.query.bind(client) as PgClient['query'];
      const done = (error?: Error): void => (error ? reject(error) : resolve());
      commitPrepared(query, undefined, done, follower as never);
    });

  it('fails where PostgreSQL has rolled back instead', async () => {
    await client.query('SELECT 1/0').catch(() => undefined);
    await expect(commit()).rejects.toThrow('has given its transaction up');
    expect(client.getTransactionStatus()).toBe('I');
  });

  it('has a query behind it fail in its turn that cannot be written: the next has its own answer', async () => {
    let told: string | undefined;
    const next = new Promise<unknown>((resolve) => {
      const callback = (error: Error | null): void => {
        told = error?.message;
        resolve(client.query('SELECT what FROM kept'));
      };
      const follower = new (pg.Query as never as Kind)('SELECT $1::json', [{ n: 1n }], callback);
      void commit(follower);
    });
    expect(await next).toMatchObject({ rows: [{ what: 'before' }] });
    expect(told).toContain('BigInt');
  });
});
