import type { ConnectionOpener, ConnectionOwner } from './connection-opener.js';
import { pooledConnection } from './pooled-connection.js';
import { sqliteConnection } from './sqlite/sqlite-connection.js';
import { isSqlite } from './sqlite/sqlite-shape.js';
import type { DataSourceLike } from './typeorm-shape.js';

/** Opens a connection for a job in the way of its kind of database. */
export function openConnection(
  dataSource: DataSourceLike,
  owner: ConnectionOwner,
): ConnectionOpener {
  const open = isSqlite(dataSource) ? sqliteConnection : pooledConnection;
  return open(dataSource, owner);
}
