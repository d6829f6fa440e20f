import { randomBytes } from 'node:crypto';
import { TypeOrmModule } from '@nestjs/typeorm';
import pg from 'pg';
import { DataSource } from 'typeorm';
import { typeOrmTracker } from '../../dist/index.js';
import { redisTracker } from '../../dist/tracker/redis/entry.js';
import { createBackgroundTables } from '../../dist/tracker/typeorm/entry.js';
import { newPrefix, REDIS } from './redis.js';

const POSTGRES = process.env.PG_URL ?? 'postgres://postgres@127.0.0.1:5432/postgres';

/** What an application needs so that its jobs are seen by others, by where they are kept. */
export const SHARED = {
  Redis: ({ prefix }) => ({
    imports: [],
    options: { tracker: redisTracker({ url: REDIS, prefix }) },
  }),
  PostgreSQL: ({ url }) => ({
    imports: [TypeOrmModule.forRoot({ type: 'postgres', url, retryAttempts: 0 })],
    options: { tracker: typeOrmTracker() },
  }),
};

/** An empty place of that kind, and the way to remove it; `undefined` where there is no such service. */
export async function newPlace(kind) {
  try {
    return kind === 'Redis' ? await newPrefix() : await newDatabase();
  } catch (error) {
    console.error(`No ${kind} answers, so its rows are left out: ${error.message || error.code}`);
    return undefined;
  }
}

async function newDatabase() {
  const name = `background_${randomBytes(6).toString('hex')}`;
  await administer(`CREATE DATABASE ${name}`);
  const url = new URL(POSTGRES);
  url.pathname = `/${name}`;
  const dataSource = await new DataSource({ type: 'postgres', url: url.href }).initialize();
  const runner = dataSource.createQueryRunner();
  await createBackgroundTables(runner);
  await runner.release();
  await dataSource.destroy();
  const remove = () => administer(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
  return { where: { url: url.href }, remove };
}

async function administer(statement) {
  const client = new pg.Client({ connectionString: POSTGRES, connectionTimeoutMillis: 3000 });
  await client.connect();
  await client.query(statement).finally(() => client.end());
}
