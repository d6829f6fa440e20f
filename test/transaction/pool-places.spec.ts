import { Injectable } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { afterEach, describe, expect, it } from '@jest/globals';
import { DataSource, type DataSourceOptions } from 'typeorm';
import {
  Background,
  memoryTracker,
  outsideTransaction,
  typeOrmTracker,
  type BackgroundModuleOptions,
} from '../../src/index.js';
import { Latch } from '../support/latch.js';
import { REACHABLE } from '../support/new-database.js';
import { preparedDatabase } from '../support/prepared-database.js';
import { closeApps, startApp, type TestApp } from '../support/test-app.js';
import { until } from '../support/until.js';

@Injectable()
class Work {
  readonly latch = new Latch();
  /** How many have begun their transactions. */
  begun = 0;

  constructor(private readonly dataSource: DataSource) {}

  /** Writes, and awaits a job that does the same, so many times. */
  @Background()
  async nest(depth: number): Promise<number> {
    await this.#begin();
    return depth === 0 ? 1 : 1 + (await outsideTransaction(() => this.nest(depth - 1)));
  }

  /** Writes, and when so many have done so, awaits three jobs that do. */
  @Background()
  async divide(together: number): Promise<number> {
    await this.#begin();
    await until(() => this.begun >= together);
    const parts = outsideTransaction(() => [this.nest(0), this.nest(1), this.nest(0)]);
    return (await Promise.all(parts)).length;
  }

  @Background()
  async hold(): Promise<void> {
    await this.#begin();
    await this.latch.opened;
  }

  async #begin(): Promise<void> {
    await this.dataSource.query(`INSERT INTO ledger (job) VALUES ('x')`);
    this.begun += 1;
  }
}

const TRACKERS = { memory: memoryTracker, typeorm: typeOrmTracker };

describe.each(REACHABLE.filter((kind) => kind !== 'sqlite'))(
  'Jobs that share a pool of %s',
  (kind) => {
    const prepared = preparedDatabase(kind);

    afterEach(async () => {
      await closeApps();
      await prepared.outside.query('DELETE FROM ledger');
    });

    const start = (
      poolSize: number,
      background: BackgroundModuleOptions = {},
    ): Promise<TestApp> => {
      const options = { ...prepared.database.options, poolSize } as DataSourceOptions;
      return startApp({
        imports: [TypeOrmModule.forRoot({ ...options, retryAttempts: 0 })],
        providers: [Work],
        background,
      });
    };

    const written = async (): Promise<number> =>
      (await prepared.outside.query<unknown[]>('SELECT job FROM ledger')).length;

    it.each(['memory', 'typeorm'] as const)(
      'come to their ends where those who hold it all wait for others (%s)',
      async (tracker) => {
        const app = await start(5, { tracker: TRACKERS[tracker]() });
        const parents = Array.from({ length: 25 }, () => app.get(Work).divide(5));
        expect(await Promise.all(parents)).toEqual(parents.map(() => 3));
        expect(await written()).toBe(125);
      },
    );

    it('may wait for each other in depth with one connection', async () => {
      const app = await start(1);
      expect(await app.get(Work).nest(4)).toBe(5);
      expect(await written()).toBe(5);
    });

    it('are given no more than it has where nobody waits for them, and it has its size again', async () => {
      const app = await start(2);
      const limit = limitOf(app.get(DataSource));
      const jobs = Array.from({ length: 6 }, () => app.get(Work).hold());
      await until(() => app.get(Work).begun === 2);
      // More than a look at who waits for whom, and what a third one would need to begin.
      for (let n = 0; n < 50; n++) await app.get(DataSource).query('SELECT 1');
      await until(async () => (await app.service.counts()).running === 6);
      expect(app.get(Work).begun).toBe(2);
      expect(limit()).toBe(3);
      app.get(Work).latch.open();
      await Promise.all(jobs);
      expect(limit()).toBe(2);
    });

    it('leave the application a connection', async () => {
      const app = await start(2, { tracker: typeOrmTracker() });
      const jobs = [app.get(Work).hold(), app.get(Work).hold()];
      await until(() => app.get(Work).begun === 2);
      expect(await app.get(DataSource).query('SELECT 1 AS one')).toHaveLength(1);
      app.get(Work).latch.open();
      await Promise.all(jobs);
    });
  },
);

/** Tells how many connections the pool opens at most. */
function limitOf({ driver }: DataSource): () => number {
  const { master, pool } = driver as unknown as {
    master?: { options: { max: number } };
    pool?: { config: { connectionLimit: number } };
  };
  return () => master?.options.max ?? pool!.config.connectionLimit;
}
