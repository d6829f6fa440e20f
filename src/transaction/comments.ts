/** What may stand before a statement and does nothing. TypeORM puts there what a query builder is given by `comment()`. */
const COMMENTS = /^(\s+|(--|#)[^\n]*(\n|$)|\/\*[\s\S]*?\*\/)+/;

/** A statement from its first word on. */
export function withoutComments(sql: string): string {
  return sql.replace(COMMENTS, '');
}
