import { setTimeout } from 'node:timers/promises';
import { DataSource } from 'typeorm';
import { CONCURRENCY } from './application.js';
import { Ledger } from './ledger.js';

const SERVER = process.env.PG_URL ?? 'postgres://postgres@127.0.0.1:5432/postgres';

/** A new database; `drop` removes it, with whoever is still connected. `options` are those of a DataSource on it. */
export async function createDatabase(name) {
  const admin = await new DataSource({ type: 'postgres', url: SERVER }).initialize();
  await admin.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
  await admin.query(`CREATE DATABASE ${name}`);
  const url = new URL(SERVER);
  url.pathname = `/${name}`;
  return {
    url: url.href,
    options: (entities, more) => ({ ...dataSourceOptions(url.href, entities), ...more }),
    async drop() {
      await untilLeft(admin, name);
      await admin.query(`DROP DATABASE ${name} WITH (FORCE)`);
      await admin.destroy();
    },
  };
}

/** Some peers say that they have ended before all their connections have. */
async function untilLeft(admin, name) {
  const connected = 'SELECT 1 FROM pg_stat_activity WHERE datname = $1 LIMIT 1';
  for (let tries = 0; tries < 50 && (await admin.query(connected, [name])).length > 0; tries++) {
    await setTimeout(100);
  }
}

/** The DataSource of a side: as many connections as jobs run at once. */
export function dataSourceOptions(url, entities = []) {
  return {
    type: 'postgres',
    url,
    entities: [Ledger, ...entities],
    synchronize: true,
    poolSize: CONCURRENCY,
  };
}

/** A peer's TypeORM: its job inserts the row in a transaction of its own. */
export async function openLedger(url) {
  const dataSource = await new DataSource(dataSourceOptions(url)).initialize();
  return {
    dataSource,
    enter: (job) => dataSource.transaction((manager) => manager.insert(Ledger, { job })),
    close: () => dataSource.destroy(),
  };
}

/** Lets a run wait until so many jobs are done. */
export class Countdown {
  #left = 0;
  #done;

  start(count) {
    this.#left = count;
    return new Promise((resolve) => (this.#done = resolve));
  }

  tick() {
    if (--this.#left === 0) this.#done();
  }
}
