import { bareOptions, insertValues, isOneOf, codeOf, rowsOf, type Dialect } from './dialect.js';
import { FILED } from './tables.js';

export const sqliteDialect: Dialect = {
  hasOneWriter: true,
  filesLater: true,
  filed: FILED,
  pushes: false,
  returns: true,
  now: `CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)`,
  lockShared: '',
  claim: '',
  keepsPrepared: false,
  quote: (name) => `"${name.replaceAll('"', '""')}"`,
  statement: (sql) => sql,
  text: (column) => column,
  storable: (json) => json,
  typed: () => '?',
  isOneOf,
  insert: insertValues,
  upsert: (table, key, column, value) =>
    `INSERT INTO ${table} (${key}, ${column}) VALUES (?, ${value}) ` +
    `ON CONFLICT (${key}) DO UPDATE SET ${column} = excluded.${column}`,
  outcome(raw) {
    const rows = rowsOf(raw);
    return { rows, changed: rows.length };
  },
  isTransient: (error) => String(codeOf(error)).startsWith('SQLITE_BUSY'),
  isMissingTable: (error) => error instanceof Error && error.message.includes('no such table'),
  // Waiting for another writer is done without blocking the event loop: the driver shall give up at once.
  ownOptions: (options) => ({ ...bareOptions(options), timeout: 0, fileMustExist: true }),
};
