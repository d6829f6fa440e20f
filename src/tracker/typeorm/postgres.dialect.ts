import { bareOptions, codeOf, rowsOf, type Dialect, type Row, type Statement } from './dialect.js';
import { FILED, type ColumnShape } from './tables.js';

/** A deadlock, a serialization failure, a lock that was not to be had. */
const TRANSIENT = new Set<unknown>(['40P01', '40001', '55P03']);
const UNDEFINED_TABLE = '42P01';

export const postgresDialect: Dialect = {
  hasOneWriter: false,
  filesLater: false,
  filed: FILED,
  pushes: true,
  returns: true,
  now: '(EXTRACT(EPOCH FROM clock_timestamp()) * 1000)::bigint',
  lockShared: ' FOR SHARE',
  claim: ' FOR UPDATE SKIP LOCKED',
  keepsPrepared: true,
  quote: (name) => `"${name.replaceAll('"', '""')}"`,
  statement(sql) {
    let count = 0;
    return sql.replaceAll('?', () => `$${++count}`);
  },
  text: (column) => `${column}::text`,
  storable: (json) => json,
  literal(value) {
    if (value === null) return 'NULL';
    if (typeof value === 'number') return String(value);
    // With E, whatever standard_conforming_strings says.
    return `E'${(value as string).replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;
  },
  typed: (type) => `CAST(? AS ${type})`,
  isOneOf: (column, values) => ({ sql: `${column} = ANY(?::varchar[])`, values: [values] }),
  insert: insertFromJson,
  upsert: (table, key, column, value) =>
    `INSERT INTO ${table} (${key}, ${column}) VALUES (?, ${value}) ` +
    `ON CONFLICT (${key}) DO UPDATE SET ${column} = EXCLUDED.${column}`,
  outcome(raw) {
    // TypeORM gives [rows, count] for UPDATE and DELETE, else rows.
    if (Array.isArray(raw) && Array.isArray(raw[0]) && typeof raw[1] === 'number') {
      return { rows: raw[0] as Row[], changed: raw[1] };
    }
    const rows = rowsOf(raw);
    return { rows, changed: rows.length };
  },
  isTransient: (error) => TRANSIENT.has(codeOf(error)),
  isMissingTable: (error) => codeOf(error) === UNDEFINED_TABLE,
  ownOptions(options, connections) {
    const extra = { ...options.extra, min: 0, max: connections };
    return {
      ...bareOptions(options),
      ...{ extra, poolSize: connections, installExtensions: false },
    };
  },
};

/** One statement for any number of rows, with one parameter: planning thousands of them takes longer than the rows do. */
function insertFromJson(
  table: string,
  columns: Readonly<Record<string, ColumnShape>>,
  rows: readonly Row[],
): Statement {
  const names = Object.keys(columns);
  const isJson = (name: string): boolean => columns[name]!.type === 'json';
  const types = names.map((name) => `${name} ${isJson(name) ? 'text' : columns[name]!.type}`);
  const values = names.map((name) => (isJson(name) ? `${name}::json` : name));
  const sql =
    `INSERT INTO ${table} (${names.join(', ')}) SELECT ${values.join(', ')} ` +
    `FROM json_to_recordset(?::json) AS given (${types.join(', ')})`;
  return { sql, values: [JSON.stringify(rows)] };
}
