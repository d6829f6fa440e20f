import { createRequire } from 'node:module';
import { LeaseRenewal } from '../lease-renewal.js';
import { driverConnection } from './driver-connection.js';
import { NOBODY } from './change-sql.js';
import { type Database } from './job-store.js';
import type { DataSourceLike } from './data-source-like.js';
import type { Condition, Liveness } from './liveness.js';

/** Rows of processes that died are kept so long, for their jobs to be found by. */
const KEPT = 60_000;

/** A row for each living process, renewed again and again; the database's own clock decides when it is over. */
export class Lease implements Liveness {
  readonly #renewal: LeaseRenewal;

  constructor(
    private readonly db: Database,
    dataSource: DataSourceLike,
    ttl: number,
    warn: (message: string) => void,
  ) {
    const { dialect, tables, owner, connections } = db;
    const expiry = `${dialect.now} + ${Math.round(ttl)}`;
    const sql = dialect.upsert(tables.lease, 'owner', 'expires_at', expiry);
    this.#renewal = new LeaseRenewal({
      ...{ ttl, warn },
      threadData: async () => {
        const { kind, connection } = await driverConnection(dataSource.options, ttl);
        const statement = dialect.statement(sql);
        return { kind, connection, driverPath: driverPath(kind), statement, values: [owner] };
      },
      renewHere: async () => void (await connections.run(sql, [owner])),
    });
  }

  async claim(): Promise<void> {
    await this.#renewal.start();
  }

  async dead(thoroughly: boolean): Promise<Condition> {
    if (!thoroughly) return this.#expired();
    await this.#forgetLongDead();
    const { tables, dialect, owner } = this.db;
    const living = `SELECT owner FROM ${tables.lease} WHERE expires_at > ${dialect.now}`;
    return { sql: `(owner <> ? AND owner NOT IN (${living}))`, values: [owner] };
  }

  async giveUp(): Promise<void> {
    const { connections, tables, owner } = this.db;
    await this.#renewal.stop();
    await connections.run(`DELETE FROM ${tables.lease} WHERE owner = ?`, [owner]);
  }

  #expired(): Condition {
    const { tables, dialect, owner } = this.db;
    const expired = `SELECT owner FROM ${tables.lease} WHERE expires_at <= ${dialect.now}`;
    const sql = `(owner <> ? AND (owner = '${NOBODY}' OR owner IN (${expired})))`;
    return { sql, values: [owner] };
  }

  async #forgetLongDead(): Promise<void> {
    const { connections, tables, dialect } = this.db;
    await connections.run(
      `DELETE FROM ${tables.lease} WHERE expires_at <= ${dialect.now} - ${KEPT} ` +
        `AND owner NOT IN (SELECT owner FROM ${tables.job} WHERE owner IS NOT NULL)`,
    );
  }
}

/** The driver that TypeORM uses: it is a dependency of the application, and TypeORM's peer. */
function driverPath(kind: 'pg' | 'mysql2'): string {
  const here = createRequire(import.meta.url);
  return createRequire(here.resolve('typeorm')).resolve(kind === 'pg' ? 'pg' : 'mysql2/promise');
}
