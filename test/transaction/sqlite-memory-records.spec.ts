import { afterEach, describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { DataSource, type DataSourceOptions } from 'typeorm';
import {
  Background,
  BackgroundService,
  currentJob,
  jobOf,
  typeOrmTracker,
} from '../../src/index.js';
import { backgroundEntities } from '../../src/tracker/typeorm/entry.js';
import { closeApps, startApp } from '../support/test-app.js';

@Injectable()
class Looker {
  constructor(
    private readonly dataSource: DataSource,
    private readonly service: BackgroundService,
  ) {}

  @Background()
  async look(): Promise<unknown[]> {
    await this.dataSource.query('SELECT 1');
    return this.found(currentJob()!.id);
  }

  async found(id: string): Promise<unknown[]> {
    const job = await this.service.find(id);
    const jobs = await this.service.list();
    return [job?.state, jobs.length, await this.service.getProgress(id)];
  }
}

const KINDS: [string, DataSourceOptions][] = [
  [':memory:', { type: 'better-sqlite3', database: ':memory:' }],
  ['sql.js', { type: 'sqljs' }],
];

afterEach(closeApps);

describe.each(KINDS)('Jobs that are kept on the one connection of %s', (_kind, options) => {
  it('are found within a transaction there, which would wait for itself', async () => {
    const entities = [...backgroundEntities];
    const app = await startApp({
      imports: [TypeOrmModule.forRoot({ ...options, entities, synchronize: true })],
      providers: [Looker],
      background: { tracker: typeOrmTracker() },
    });
    const looker = app.get(Looker);
    const first = jobOf(looker.look());
    expect(await first).toEqual(['running', 1, [-1, null]]);
    const dataSource = app.app.get(DataSource);
    const within = dataSource.transaction(() => looker.found(first.id));
    expect(await within).toEqual(['completed', 1, null]);
  });
});
