import { realPath } from './sqlite/lock-registry.js';
import { isFile, isSqlite } from './sqlite/sqlite-shape.js';
import type { DataSourceLike } from './typeorm-shape.js';

interface Address {
  readonly url?: string;
  readonly host?: string;
  readonly port?: number | string;
  readonly database?: unknown;
  readonly socketPath?: string;
  readonly replication?: { readonly master?: Address };
}

const FAMILIES: Readonly<Record<string, { readonly name: string; readonly port: number }>> = {
  postgres: { name: 'postgres', port: 5432 },
  mysql: { name: 'mysql', port: 3306 },
  mariadb: { name: 'mysql', port: 3306 },
};

const THIS_MACHINE = new Set(['', '127.0.0.1', '::1', '[::1]']);

/**
 * Which database a DataSource is connected to, in words that are the same in every thread; `undefined` where nobody else
 * can see it, or it cannot be told.
 */
export function placeOf(dataSource: DataSourceLike): string | undefined {
  if (isSqlite(dataSource)) {
    return isFile(dataSource)
      ? `file:${realPath(dataSource.options.database as string)}`
      : undefined;
  }
  const family = FAMILIES[dataSource.options.type];
  if (!family) return undefined;
  const { host, port, database, socketPath } = addressOf(dataSource.options);
  const machine = THIS_MACHINE.has(host ?? '') ? 'localhost' : host;
  return `${family.name}://${socketPath ?? machine}:${port || family.port}/${String(database)}`;
}

/** As TypeORM reads its options: what a URL says comes first. */
function addressOf(options: Address): Address {
  const { url, ...rest } = { ...options, ...options.replication?.master };
  if (!url) return rest;
  const { hostname, port, pathname } = new URL(url);
  const said = { host: hostname, port, database: pathname.slice(1) };
  return { ...rest, ...Object.fromEntries(Object.entries(said).filter(([, value]) => value)) };
}
