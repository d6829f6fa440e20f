import { isForgotten } from './kept-statements.js';
import type { PgClient, PgResult } from './wire.js';

const KEEPS = Symbol('nestjs-background:keeps-sessions');

/** A DataSource, and whether what is prepared on one of its connections is still there when that is used again. */
type Known = object & { [KEEPS]?: boolean };

/** Not so unless that was learned: a pooler between may give each transaction another session. */
export function keepsSessions(dataSource: Known): boolean {
  return dataSource[KEEPS] === true;
}

/** Whether nobody has looked yet. */
export function isUnknown(dataSource: Known): boolean {
  return dataSource[KEEPS] === undefined;
}

/** Looks, over one of its clients. A pooler tells its clients of sessions that the database does not know. */
export async function learnSessions(dataSource: Known, client: PgClient): Promise<void> {
  // Whoever comes meanwhile need not look too.
  dataSource[KEEPS] = false;
  const asking = client.query('SELECT pg_backend_pid() AS session') as Promise<PgResult>;
  const { rows } = await asking;
  dataSource[KEEPS] = rows[0]?.['session'] === client.processID;
}

/** Nothing is prepared any more where an error says that a session has forgotten it. What failed with it was not done. */
export function noteIfForgotten(dataSource: Known, error: unknown): void {
  if (isForgotten(error)) noteForgetful(dataSource);
}

/** A session has forgotten what was prepared in it: nothing is prepared any more. */
export function noteForgetful(dataSource: Known): void {
  dataSource[KEEPS] = false;
}
