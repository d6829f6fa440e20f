import type { DataSourceLike } from '../typeorm-shape.js';
import { databaseOf } from './sqlite-database.js';
import { isSqlite } from './sqlite-shape.js';

/** What to say of a file in which readers and the writer disturb each other; once for each DataSource. */
export function journalWarning(name: string, dataSource: DataSourceLike): string | undefined {
  if (!isSqlite(dataSource)) return undefined;
  const database = databaseOf(dataSource);
  const isGood = database.isSingle || database.isReadOnly || database.hasWriteAheadLog;
  if (isGood || database.isJournalNoted) return undefined;
  database.isJournalNoted = true;
  return (
    `DataSource "${name}" is ${database.title} without a write-ahead log: other processes cannot read it while a job ` +
    'commits, a long transaction of a job is kept in memory, and each commit takes longer. Set { enableWAL: true }.'
  );
}
