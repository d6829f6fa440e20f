import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { DataSource } from 'typeorm';
import { transpile } from './transpile.mjs';

/**
 * A database with the tables of the tracker, and a ledger.
 * @param {string} server
 */
export async function newCrashDatabase(server) {
  const name = `crash_${randomBytes(6).toString('hex')}`;
  await administer(server, `CREATE DATABASE ${name}`);
  const own = new URL(server);
  own.pathname = `/${name}`;
  await createTables(own.href);
  return {
    url: own.href,
    drop: () => administer(server, `DROP DATABASE ${name} WITH (FORCE)`),
  };
}

/**
 * The ledger takes a job twice, so that a second time would be seen.
 * @param {string} url
 */
export async function createTables(url) {
  await transpile();
  const entry = new URL('../../.cache/crash/src/tracker/typeorm/entry.js', import.meta.url);
  const { createBackgroundTables } = await import(entry.href);
  const dataSource = await new DataSource({ type: 'postgres', url }).initialize();
  const runner = dataSource.createQueryRunner();
  await createBackgroundTables(runner);
  await runner.query('CREATE TABLE ledger (job varchar(36) NOT NULL, attempt integer NOT NULL)');
  await runner.query('CREATE INDEX ON ledger (job)');
  await runner.query('CREATE TABLE gate (attempt integer NOT NULL)');
  await runner.release();
  await dataSource.destroy();
}

/**
 * @param {string} server
 * @param {string} statement
 */
async function administer(server, statement) {
  const client = new pg.Client(server);
  await client.connect();
  await client.query(statement).finally(() => client.end());
}
