import type { ConnectionOpener } from './job-connection.js';
import { pooledConnection } from './pooled-connection.js';
import type { DataSourceLike } from './typeorm-shape.js';

/** Opens a connection for a job in the way of its kind of database. */
export function openConnection(dataSource: DataSourceLike): ConnectionOpener {
  return pooledConnection(dataSource);
}
