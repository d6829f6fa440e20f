/** Messages of PostgreSQL's protocol that are the same each time: written as one piece, not made anew for each job. */

const SYNC = message('S', '');
const UNNAMED_PORTAL = '\0';
const BIND = message('B', `${UNNAMED_PORTAL}\0\0\0\0\0\0\0`);
const EXECUTE = message('E', `${UNNAMED_PORTAL}\0\0\0\0`);

export const CLOSE_PORTAL_AND_SYNC = Buffer.concat([message('C', `P${UNNAMED_PORTAL}`), SYNC]);
/** Of the extended protocol: what fails has the rest skipped, up to the next Sync. */
export const BEGIN = statement('START TRANSACTION');
export const EXECUTE_AND_COMMIT = Buffer.concat([EXECUTE, statement('COMMIT'), SYNC]);
export const COMMIT = message('Q', 'COMMIT\0');
/** What was executed is a series of its own. */
export const EXECUTE_SYNC_AND_COMMIT = Buffer.concat([EXECUTE, SYNC, statement('COMMIT'), SYNC]);

function statement(sql: string): Buffer {
  return Buffer.concat([message('P', `\0${sql}\0\0\0`), BIND, EXECUTE]);
}

function message(kind: string, body: string): Buffer {
  const bytes = Buffer.from(`${kind}\0\0\0\0${body}`, 'latin1');
  bytes.writeUInt32BE(bytes.length - 1, 1);
  return bytes;
}
