import type { JobOrigin } from '../../job/job.js';
import { joinedBy } from '../../job/origin.js';
import { jsonText } from './dialect.js';
import { jsonFor, jsonOf } from './job-row.js';
import type { Database } from './job-store.js';

/** Where another process notes another place at the same time, what that has noted is read again; so often. */
const TRIES = 10;

/** Notes one more place where a job was asked for. */
export async function shareJob(db: Database, id: string, origin: JobOrigin): Promise<void> {
  for (let tries = TRIES; tries > 0; tries--) {
    const read = `SELECT ${jsonText(db.dialect, 'origin')} FROM ${db.tables.job} WHERE id = ?`;
    const [row] = (await db.connections.run(read, [id])).rows;
    const known = row && (jsonOf(row['origin']) as JobOrigin | undefined);
    const joined = joinedBy(known, origin);
    if (!row || joined === known) return;
    if (await replaceOrigin(db, id, row['origin'], joined)) return;
  }
}

/** Whether it still was as it was read. */
async function replaceOrigin(
  { tables, connections, dialect }: Database,
  id: string,
  before: unknown,
  after: JobOrigin,
): Promise<boolean> {
  const isNew = before === null;
  const asRead = isNew ? 'origin IS NULL' : `${dialect.text('origin')} = ?`;
  const { changed } = await connections.run(
    `UPDATE ${tables.job} SET origin = ? WHERE id = ? AND ${asRead}${dialect.returns ? ' RETURNING id' : ''}`,
    [jsonFor(after, dialect), id, ...(isNew ? [] : [before])],
  );
  return changed > 0;
}
