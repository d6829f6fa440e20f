import { bareOptions, insertValues, isOneOf, codeOf, rowsOf, type Dialect } from './dialect.js';
import { FINISHED } from './tables.js';

/** A deadlock, a row that another has changed, a lock that was not to be had. */
const TRANSIENT = new Set<unknown>([
  ...['ER_LOCK_DEADLOCK', 'ER_CHECKREAD', 'ER_LOCK_WAIT_TIMEOUT'],
  ...[1213, 1020, 1205],
]);
const MISSING = new Set<unknown>(['ER_NO_SUCH_TABLE', 1146]);

export const mysqlDialect: Dialect = {
  hasOneWriter: false,
  filesLater: false,
  // Its index has all rows, and with the owner in the condition it might take that of owners.
  filed: FINISHED,
  pushes: false,
  returns: false,
  now: 'CAST(UNIX_TIMESTAMP(SYSDATE(3)) * 1000 AS SIGNED)',
  lockShared: ' LOCK IN SHARE MODE',
  claim: '',
  keepsPrepared: false,
  quote: (name) => `\`${name.replaceAll('`', '``')}\``,
  statement: (sql) => sql,
  // As text, or the driver would parse it, on MySQL and not on MariaDB.
  text: (column) => `CAST(${column} AS CHAR)`,
  // In ASCII, so that it survives whichever character set the tables and the connection have.
  storable: (json) => wellFormed(json).replace(/[\u0080-\uffff]/g, escapeUnit),
  typed: () => '?',
  isOneOf,
  insert: insertValues,
  upsert: (table, key, column, value) =>
    `INSERT INTO ${table} (${key}, ${column}) VALUES (?, ${value}) ` +
    `ON DUPLICATE KEY UPDATE ${column} = VALUES(${column})`,
  outcome(raw) {
    const rows = rowsOf(raw);
    const { affectedRows } = (raw ?? {}) as { affectedRows?: number };
    return { rows, changed: affectedRows ?? rows.length };
  },
  isTransient: (error) => TRANSIENT.has(codeOf(error)),
  isMissingTable: (error) => MISSING.has(codeOf(error)),
  ownOptions(options, connections) {
    const extra = { ...options.extra, connectionLimit: connections };
    return { ...bareOptions(options), extra, poolSize: connections };
  },
};

/** JSON has half a character as an escape, which MySQL takes for no JSON. */
function wellFormed(json: string): string {
  if (!json.includes('\\ud')) return json;
  return json.replace(/\\(?:u(d[0-9a-f]{3})|.)/g, (escape, half) => (half ? '\ufffd' : escape));
}

function escapeUnit(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
