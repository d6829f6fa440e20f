import { describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import { Background, typeOrmTracker } from '../../src/index.js';
import { REACHABLE } from '../support/new-database.js';
import { preparedDatabase } from '../support/prepared-database.js';
import { startApp } from '../support/test-app.js';

@Injectable()
class Counter {
  running = 0;
  most = 0;

  constructor(private readonly dataSource: DataSource) {}

  @Background({ name: 'count' })
  async count(): Promise<number> {
    this.most = Math.max(this.most, ++this.running);
    const [row] = await this.dataSource.query<[{ entered: string }]>(
      'SELECT COUNT(*) AS entered FROM ledger',
    );
    const rows = Number(row.entered);
    await this.dataSource.query(`INSERT INTO ledger (job) VALUES ('${rows}')`);
    this.running -= 1;
    return rows;
  }
}

describe.each(REACHABLE)('Where one job runs at a time, on %s', (kind) => {
  const own = preparedDatabase(kind);

  it('each sees what the one before it has committed, however early it was made ready', async () => {
    const app = await startApp({
      imports: [TypeOrmModule.forRoot({ ...own.database.options, retryAttempts: 0 })],
      providers: [Counter],
      background: { concurrency: 1, tracker: typeOrmTracker() },
    });
    const counter = app.get(Counter);
    const counts = await Promise.all(Array.from({ length: 60 }, () => counter.count()));
    expect(counts).toEqual(counts.map((_, place) => place));
    expect(counter.most).toBe(1);
  });
});
