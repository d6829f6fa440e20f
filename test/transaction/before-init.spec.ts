import { afterEach, describe, expect, it } from '@jest/globals';
import { Injectable, type INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Test } from '@nestjs/testing';
import { InjectDataSource, TypeOrmModule } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import { Background, BackgroundModule } from '../../src/index.js';
import { postgresDatabase } from '../support/databases.js';
import { MemoryLogger } from '../support/memory-logger.js';
import { describeWithPostgres } from '../support/services.js';

@Injectable()
class Seeds {
  constructor(@InjectDataSource() readonly dataSource: DataSource) {}

  @Background()
  async sow(fails: boolean): Promise<void> {
    await this.dataSource.query('INSERT INTO seed VALUES (1)');
    if (fails) throw new Error('boom');
  }

  async count(): Promise<number> {
    return (await this.dataSource.query<unknown[]>('SELECT * FROM seed')).length;
  }
}

const opened: { close(): Promise<void> }[] = [];

afterEach(async () => {
  for (const each of opened.splice(0).reverse()) await each.close();
});

type Make = (module: object) => Promise<INestApplicationContext>;
const logger = new MemoryLogger();

async function startWith(make: Make, poolSize: number): Promise<INestApplicationContext> {
  const database = await postgresDatabase();
  opened.push({ close: () => database.drop() });
  class SeedModule {}
  const app = await make({
    module: SeedModule,
    imports: [
      BackgroundModule.forRoot(),
      TypeOrmModule.forRoot({ ...database.options, poolSize } as never),
    ],
    providers: [Seeds],
  });
  opened.push(app);
  await app.get(Seeds).dataSource.query('CREATE TABLE seed (id int)');
  return app;
}

describeWithPostgres('A job before the application is initialized', () => {
  describe.each<[string, Make]>([
    ['NestFactory.create()', (module) => NestFactory.create(module as never, { logger })],
    [
      'Test.createTestingModule()',
      (module) =>
        Test.createTestingModule({ imports: [module as never] })
          .setLogger(logger)
          .compile(),
    ],
  ])('by %s', (_how, make) => {
    it('has a transaction, as afterwards', async () => {
      const app = await startWith(make, 20);
      const seeds = app.get(Seeds);
      await expect(seeds.sow(true)).rejects.toThrow('boom');
      expect(await seeds.count()).toBe(0);
      await seeds.sow(false);
      expect(await seeds.count()).toBe(1);
      await app.init();
      await expect(seeds.sow(true)).rejects.toThrow('boom');
      expect(await seeds.count()).toBe(1);
    });
  });

  it('brings no warning twice', async () => {
    logger.lines.length = 0;
    const make: Make = (module) => NestFactory.create(module as never, { logger });
    const app = await startWith(make, 2);
    await app.get(Seeds).sow(false);
    await app.init();
    expect(logger.containing('warn', 'has a pool of 2 connections')).toHaveLength(1);
  });
});
