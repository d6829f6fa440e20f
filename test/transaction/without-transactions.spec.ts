import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import { Background } from '../../src/index.js';
import { closeApps, startApp, type TestApp } from '../support/test-app.js';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'background-'));
});

afterEach(async () => {
  await closeApps();
  await rm(folder, { recursive: true, force: true });
});

@Injectable()
class Notes {
  constructor(private readonly dataSource: DataSource) {}

  @Background()
  async fail(): Promise<void> {
    await this.dataSource.query('INSERT INTO note VALUES (1)');
    throw new Error('boom');
  }
}

/** A DataSource whose driver says of itself what that of MongoDB does. */
async function start(...providers: (new (...args: never[]) => unknown)[]): Promise<TestApp> {
  const options = { type: 'better-sqlite3', database: join(folder, 'notes.sqlite') } as const;
  const dataSourceFactory = async (): Promise<DataSource> => {
    const dataSource = await new DataSource(options).initialize();
    await dataSource.query('CREATE TABLE note (id integer)');
    return Object.assign(dataSource, {
      driver: Object.assign(dataSource.driver, { transactionSupport: 'none' }),
    });
  };
  return startApp({
    imports: [TypeOrmModule.forRootAsync({ useFactory: () => options, dataSourceFactory })],
    providers,
  });
}

describe('A DataSource that knows no transactions', () => {
  it('is warned of at start, with its name and what to do', async () => {
    const app = await start(Notes);
    const [line] = app.log.containing('warn', 'knows no transactions');
    expect(line?.text).toMatch(/"default" \(better-sqlite3\).*another database/);
  });

  it('keeps what a job wrote that fails', async () => {
    const app = await start(Notes);
    await expect(app.get(Notes).fail()).rejects.toThrow('boom');
    expect(await app.get(DataSource).query('SELECT id FROM note')).toEqual([{ id: 1 }]);
  });

  it.each([
    ['by its name', { dataSource: 'default' }],
    ['whichever it is', true as const],
  ])('is an error at start where a job asks for a transaction on it, %s', async (_how, asked) => {
    @Injectable()
    class Wrong {
      @Background({ transaction: asked })
      async work(): Promise<void> {}
    }
    await expect(start(Wrong)).rejects.toThrow(/Wrong\.work.*"default".*knows none/);
  });
});
