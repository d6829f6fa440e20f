/** As far as the tests use it. */
declare module 'better-sqlite3' {
  export default class Database {
    constructor(path: string, options?: { readonly?: boolean; timeout?: number });
    readonly inTransaction: boolean;
    exec(sql: string): this;
    pragma(source: string, options?: { simple: boolean }): unknown;
    prepare(sql: string): { all(...parameters: unknown[]): unknown[] };
    close(): this;
  }
}

declare module 'sql.js' {
  const initSqlJs: unknown;
  export default initSqlJs;
}
