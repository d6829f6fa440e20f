import type { NativeConnection, NativeStatement } from './sqlite-shape.js';

/** How many statements are kept prepared on a connection: as many as TypeORM keeps there, if nobody says otherwise. */
const MOST_PREPARED = 100;

export type BetterSqlite = NativeConnection &
  Required<Pick<NativeConnection, 'prepare' | 'inTransaction'>>;

export function isBetterSqlite(native: NativeConnection): native is BetterSqlite {
  return native.inTransaction !== undefined && native.prepare !== undefined;
}

/** A statement on better-sqlite3 itself, from among those that are prepared on a connection. */
export function preparedOn(
  native: BetterSqlite,
  statements: Map<string, unknown>,
  sql: string,
): NativeStatement {
  const known = statements.get(sql) as NativeStatement | undefined;
  if (known) return known;
  const statement = native.prepare(sql);
  statements.set(sql, statement);
  if (statements.size > MOST_PREPARED) statements.delete(statements.keys().next().value!);
  return statement;
}
