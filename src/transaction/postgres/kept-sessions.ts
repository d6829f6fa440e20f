import { isForgotten } from './kept-statements.js';

const KEEPS = Symbol('nestjs-background:keeps-sessions');

/** A DataSource, and whether what is prepared on one of its connections is still there when that is used again. */
type Known = object & { [KEEPS]?: boolean };

/** Not known unless said: a pooler between may give each transaction another session. */
export function keepsSessions(dataSource: Known): boolean {
  return dataSource[KEEPS] === true;
}

/** Its sessions are those of the database. */
export function noteDirect(dataSource: Known): void {
  dataSource[KEEPS] ??= true;
}

/** Nothing is prepared any more where an error says that a session has forgotten it. What failed with it was not done. */
export function noteIfForgotten(dataSource: Known, error: unknown): void {
  if (isForgotten(error)) noteForgetful(dataSource);
}

/** A session has forgotten what was prepared in it: nothing is prepared any more. */
export function noteForgetful(dataSource: Known): void {
  dataSource[KEEPS] = false;
}
