import type { DataSourceOptionsLike } from './data-source-like.js';

type Values = Readonly<Record<string, unknown>>;

export interface DriverConnectionOptions {
  readonly kind: 'pg' | 'mysql2';
  /** In the driver's own words; can be handed to a thread. */
  readonly connection: Values;
}

/** How the driver itself connects to where a DataSource does. @throws where the options cannot go to a thread. */
export async function driverConnection(
  options: DataSourceOptionsLike,
  timeout: number,
): Promise<DriverConnectionOptions> {
  const given = { ...options, ...options.replication?.master } as Values;
  const password = await passwordOf(given['password']);
  const common = { ...only(given, ['host', 'port', 'database', 'ssl']), password };
  if (options.type === 'postgres') {
    const own = { connectionString: given['url'], user: given['username'] };
    const limits = { connectionTimeoutMillis: timeout, query_timeout: timeout };
    return forThread('pg', { ...common, ...own, ...options.extra, ...limits });
  }
  const own = { uri: given['url'], user: given['username'], socketPath: given['socketPath'] };
  return forThread('mysql2', { ...common, ...own, connectTimeout: timeout });
}

function forThread(kind: 'pg' | 'mysql2', connection: Values): DriverConnectionOptions {
  const given = Object.entries(connection).filter(([, value]) => value !== undefined);
  return { kind, connection: structuredClone(Object.fromEntries(given)) };
}

function passwordOf(password: unknown): unknown {
  return typeof password === 'function' ? (password as () => unknown)() : password;
}

function only(values: Values, names: readonly string[]): Values {
  return Object.fromEntries(names.map((name) => [name, values[name]]));
}
