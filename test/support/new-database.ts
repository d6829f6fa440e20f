import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DataSource, type DataSourceOptions } from 'typeorm';

export type DatabaseKind = 'postgres' | 'mariadb' | 'sqlite';

/** A database with nothing in it, for one test or one test file. */
export interface TestDatabase extends AsyncDisposable {
  readonly kind: DatabaseKind;
  /** How TypeORM connects to it. */
  readonly options: DataSourceOptions;
}

/** The global set-up has put into these where the services are, or `off`. */
const URLS = {
  postgres: process.env['PG_URL'] ?? 'off',
  mariadb: process.env['MYSQL_URL'] ?? 'off',
};

/** The kinds that can be reached here; the run says which cannot. */
export const REACHABLE: readonly DatabaseKind[] = [
  ...(URLS.postgres === 'off' ? [] : ['postgres' as const]),
  'sqlite',
  ...(URLS.mariadb === 'off' ? [] : ['mariadb' as const]),
];

export async function newDatabase(kind: DatabaseKind): Promise<TestDatabase> {
  if (kind === 'sqlite') return newFile();
  const name = `background_${randomBytes(6).toString('hex')}`;
  const url = new URL(URLS[kind]);
  const type = kind;
  url.pathname ||= kind === 'postgres' ? '/postgres' : '';
  await administer({ type, url: url.href }, `CREATE DATABASE ${name}`);
  const own = new URL(url);
  own.pathname = `/${name}`;
  const force = kind === 'postgres' ? ' WITH (FORCE)' : '';
  return {
    kind,
    options: { type, url: own.href },
    [Symbol.asyncDispose]: () =>
      administer({ type, url: url.href }, `DROP DATABASE IF EXISTS ${name}${force}`),
  };
}

async function newFile(): Promise<TestDatabase> {
  const folder = await mkdtemp(join(tmpdir(), 'background-'));
  return {
    kind: 'sqlite',
    options: {
      ...{ type: 'better-sqlite3', database: join(folder, 'jobs.sqlite'), enableWAL: true },
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

async function administer(options: DataSourceOptions, statement: string): Promise<void> {
  const dataSource = await new DataSource(options).initialize();
  try {
    await dataSource.query(statement);
  } finally {
    await dataSource.destroy();
  }
}
