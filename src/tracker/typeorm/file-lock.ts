import { rm } from 'node:fs/promises';
import type { DataSourceLike } from './data-source-like.js';
import type { Condition, Liveness } from './liveness.js';
import { NOBODY } from './change-sql.js';
import { list } from './dialect.js';
import type { Database } from './job-store.js';

/** A connection of better-sqlite3. */
interface SqliteConnection {
  exec(sql: string): void;
  close(): void;
}

type Sqlite = new (
  path: string,
  options: { timeout: number; fileMustExist?: boolean },
) => SqliteConnection;

/**
 * For a SQLite file: each process holds a lock on a small file beside it, which the system frees when the process dies.
 * Nothing has to be renewed, and a job that keeps the database to itself for long is not taken for dead.
 */
export class FileLock implements Liveness {
  readonly #sqlite: Sqlite;
  readonly #database: string;
  #held: SqliteConnection | undefined;

  constructor(
    private readonly db: Database,
    dataSource: DataSourceLike,
  ) {
    this.#sqlite = (dataSource.driver as unknown as { sqlite: Sqlite }).sqlite;
    this.#database = String(dataSource.options.database);
  }

  // eslint-disable-next-line @typescript-eslint/require-await
  async claim(): Promise<void> {
    this.#held = new this.#sqlite(this.#path(this.db.owner), { timeout: 0 });
    this.#held.exec('BEGIN EXCLUSIVE');
  }

  async dead(): Promise<Condition> {
    const owners = await this.#otherOwners();
    const dead: string[] = [];
    for (const owner of owners) if (await this.#isDead(owner)) dead.push(owner);
    return { sql: dead.length > 0 ? `owner IN (${list(dead)})` : '1 = 0', values: dead };
  }

  async giveUp(): Promise<void> {
    this.#held?.close();
    await rm(this.#path(this.db.owner), { force: true });
  }

  async #otherOwners(): Promise<string[]> {
    const { connections, tables, owner } = this.db;
    const { rows } = await connections.run(
      `SELECT DISTINCT owner FROM ${tables.job} WHERE owner IS NOT NULL AND owner <> ?`,
      [owner],
    );
    return rows.map((row) => row['owner'] as string);
  }

  async #isDead(owner: string): Promise<boolean> {
    if (owner === NOBODY) return true;
    const path = this.#path(owner);
    try {
      const connection = new this.#sqlite(path, { timeout: 0, fileMustExist: true });
      try {
        connection.exec('BEGIN EXCLUSIVE');
      } finally {
        connection.close();
      }
    } catch (error) {
      if ((error as { code?: string }).code === 'SQLITE_BUSY') return false;
    }
    await rm(path, { force: true });
    return true;
  }

  #path(owner: string): string {
    return `${this.#database}-background-${owner}`;
  }
}

/** For a database that no other process can see: whatever is another owner's is left from earlier. */
export class Alone implements Liveness {
  constructor(private readonly db: Database) {}

  async claim(): Promise<void> {}

  dead(): Promise<Condition> {
    return Promise.resolve({ sql: 'owner <> ?', values: [this.db.owner] });
  }

  async giveUp(): Promise<void> {}
}
