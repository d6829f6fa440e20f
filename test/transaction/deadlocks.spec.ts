import { beforeAll, describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import { Background, typeOrmTracker } from '../../src/index.js';
import { REACHABLE } from '../support/new-database.js';
import { preparedDatabase } from '../support/prepared-database.js';
import { startApp } from '../support/test-app.js';

const RETRIES = { limit: 50, delay: 5, backoff: 'fixed', jitter: 0.5 } as const;

@Injectable()
class Transfers {
  #arrived = 0;
  #both!: () => void;
  readonly #bothArrived = new Promise<void>((resolve) => (this.#both = resolve));

  constructor(private readonly dataSource: DataSource) {}

  /** Two of them that meet in the middle cannot both go on; SQLite lets only one in. */
  @Background({ retries: RETRIES })
  async move(from: number): Promise<void> {
    await this.#take(from);
    if (++this.#arrived === 2) this.#both();
    if (this.dataSource.options.type !== 'better-sqlite3') await this.#bothArrived;
    await this.#take(3 - from);
  }

  async #take(account: number): Promise<void> {
    await this.dataSource.query(`UPDATE account SET moves = moves + 1 WHERE id = ${account}`);
  }
}

describe.each(REACHABLE)('Jobs that the database finds in a deadlock, on %s,', (kind) => {
  const own = preparedDatabase(kind);

  beforeAll(async () => {
    await own.outside.query('CREATE TABLE account (id int PRIMARY KEY, moves int NOT NULL)');
    await own.outside.query('INSERT INTO account VALUES (1, 0), (2, 0)');
  });

  it('run again where that is asked for, and have their effects once', async () => {
    const app = await startApp({
      imports: [TypeOrmModule.forRoot({ ...own.database.options, retryAttempts: 0 })],
      providers: [Transfers],
      background: { concurrency: 4, tracker: typeOrmTracker() },
    });
    const transfers = app.get(Transfers);
    await Promise.all(Array.from({ length: 4 }, (_, at) => transfers.move(1 + (at % 2))));
    const moves = await own.outside.query<{ moves: unknown }[]>('SELECT moves FROM account');
    expect(moves.map((row) => Number(row.moves))).toEqual([4, 4]);
  });
});
