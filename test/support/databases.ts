import { randomUUID } from 'node:crypto';
import { DataSource, type DataSourceOptions } from 'typeorm';

/** A database of its own for a test file. */
export interface TestDatabase {
  readonly options: DataSourceOptions;
  drop(): Promise<void>;
}

const POSTGRES = process.env['PG_URL'] ?? 'postgres://postgres@127.0.0.1:5432/postgres';
const MYSQL = process.env['MYSQL_URL'] ?? 'mysql://root@127.0.0.1:3306/mysql';

export function postgresDatabase(): Promise<TestDatabase> {
  return freshDatabase('postgres', POSTGRES, (name) => `DROP DATABASE "${name}" WITH (FORCE)`);
}

export function mariadbDatabase(): Promise<TestDatabase> {
  return freshDatabase('mariadb', MYSQL, (name) => `DROP DATABASE ${name}`);
}

async function freshDatabase(
  type: 'postgres' | 'mariadb',
  url: string,
  dropSql: (name: string) => string,
): Promise<TestDatabase> {
  const name = `background_${randomUUID().replaceAll('-', '')}`;
  await administer(type, url, `CREATE DATABASE ${name}`);
  const own = new URL(url);
  own.pathname = `/${name}`;
  return {
    options: { type, url: own.href },
    drop: () => administer(type, url, dropSql(name)),
  };
}

async function administer(
  type: 'postgres' | 'mariadb',
  url: string,
  statement: string,
): Promise<void> {
  const dataSource = await new DataSource({ type, url }).initialize();
  await dataSource.query(statement).finally(() => dataSource.destroy());
}
