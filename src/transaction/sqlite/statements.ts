import { withoutComments } from '../comments.js';

const READS = /^(select|values|explain)\b/i;
const CHANGES = /\b(insert|update|delete|replace)\b/i;
/** These write to the file, or wait for whoever does. */
const WRITING_PRAGMA = /^pragma\s+(\w+\.)?(wal_checkpoint|incremental_vacuum|optimize)\b|=/i;
const BEGINS = /^(begin|savepoint)\b/i;
const ENDS = /^(commit|end|rollback(?!\s+(transaction\s+)?to)|release)\b/i;
/** What outlasts a transaction in the connection it was said to. */
const MARKS_CONNECTION = /^(pragma\b.*=|attach|detach|create\s+temp)/is;

/** Whether a statement surely writes nothing: what is not known to read is taken to write. */
export function isRead(sql: string): boolean {
  const statement = withoutComments(sql);
  if (/^pragma\b/i.test(statement)) return !WRITING_PRAGMA.test(statement);
  return READS.test(statement) || (/^with\b/i.test(statement) && !CHANGES.test(statement));
}

export function beginsTransaction(sql: string): boolean {
  return BEGINS.test(withoutComments(sql));
}

export function mayEndTransaction(sql: string): boolean {
  return ENDS.test(withoutComments(sql));
}

/** Whether the connection is not as good as new after this statement. */
export function marksConnection(sql: string): boolean {
  return MARKS_CONNECTION.test(withoutComments(sql));
}
