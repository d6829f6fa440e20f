import type { Pool } from 'pg';
import type { KeyLimits } from './key-limits.js';
import type { BullMqPostgresOptions, BullMqSettings } from './options.js';

const MS_NOW = '(EXTRACT(EPOCH FROM clock_timestamp()) * 1000)::bigint';

type Run = (sql: string, values: unknown[]) => Promise<{ rowCount: number | null }>;

/** A row for each place that is held, beside the tables of BullMQ; the time is the database's own. */
export class PostgresLimits implements KeyLimits {
  #pool!: Pool;
  readonly #table: string;

  constructor(
    private readonly place: BullMqPostgresOptions,
    private readonly connecting: object,
    private readonly settings: BullMqSettings,
  ) {
    this.#table = `"${String(place.schema)}".background_limit`;
  }

  async open(): Promise<void> {
    const { Pool } = (await import('pg')).default;
    const { migrate, ...options } = this.place;
    this.#pool = new Pool({ ...options, ...this.connecting });
    this.#pool.on('error', () => undefined);
    if (migrate) await this.#createTable();
  }

  async take(name: string, places: number, holder: string): Promise<boolean> {
    const key = this.#keyOf(name);
    return this.#locked(key, async (run) => {
      await run(`DELETE FROM ${this.#table} WHERE key = $1 AND expires_at <= ${MS_NOW}`, [key]);
      const others = `SELECT COUNT(*) FROM ${this.#table} WHERE key = $1 AND holder <> $2`;
      const { rowCount } = await run(
        `INSERT INTO ${this.#table} SELECT $1, $2, ${MS_NOW} + $3 WHERE (${others}) < $4 ` +
          'ON CONFLICT (key, holder) DO UPDATE SET expires_at = EXCLUDED.expires_at',
        [key, holder, this.settings.lock, places],
      );
      return rowCount === 1;
    });
  }

  async force(key: string, holder: string): Promise<void> {
    await this.take(key, 2 ** 31, holder);
  }

  async leave(key: string, holder: string): Promise<void> {
    const sql = `DELETE FROM ${this.#table} WHERE key = $1 AND holder = $2`;
    await this.#pool.query(sql, [this.#keyOf(key), holder]);
  }

  async close(): Promise<void> {
    await this.#pool?.end();
  }

  /** One at a time looks at the places of a key. */
  async #locked<T>(key: string, work: (run: Run) => Promise<T>): Promise<T> {
    const client = await this.#pool.connect();
    let failure: Error | undefined;
    try {
      await client.query('BEGIN');
      await client.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [key]);
      const result = await work((sql, values) => client.query(sql, [...values]));
      await client.query('COMMIT');
      return result;
    } catch (error) {
      failure = error as Error;
      throw error;
    } finally {
      // A connection whose transaction has failed is not to be used again.
      client.release(failure);
    }
  }

  #keyOf(key: string): string {
    return `${this.settings.queue}:${key}`;
  }

  /** Two processes that start at once would create it twice. */
  async #createTable(): Promise<void> {
    await this.#locked(this.#table, async (run) => {
      await run(
        `CREATE UNLOGGED TABLE IF NOT EXISTS ${this.#table} (key text NOT NULL, holder text NOT NULL, ` +
          'expires_at bigint NOT NULL, PRIMARY KEY (key, holder))',
        [],
      );
    });
  }
}
