import { afterEach, describe, expect, it } from '@jest/globals';
import { ConflictException, Controller, Get } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import { Backgrounder, print } from '../../src/index.js';
import { locationOf } from '../support/http.js';
import { Tasks } from '../support/tasks.js';
import { closeApps, PLATFORMS, startApp } from '../support/test-app.js';

@Controller()
class Orders {
  constructor(
    private readonly tasks: Tasks,
    private readonly dataSource: DataSource,
  ) {}

  @Backgrounder()
  @Get('order')
  async order(): Promise<object> {
    await this.#ordered().catch(() => undefined);
    return { ordered: false };
  }

  @Backgrounder()
  @Get('order-or-ask')
  async orderOrAsk(): Promise<void> {
    await this.#ordered().catch(() => this.tasks.run('asked'));
  }

  @Backgrounder()
  @Get('fail')
  fail(): Promise<void> {
    return this.#ordered();
  }

  async #ordered(): Promise<void> {
    print('head');
    await this.dataSource.transaction(async () => {
      void this.tasks.run('ordered');
      throw new ConflictException('sold out');
    });
  }
}

afterEach(closeApps);

describe.each(PLATFORMS)(
  'A handler on %s that rolls back what its job was called in',
  (platform) => {
    const shop = () =>
      startApp({
        ...{ controllers: [Orders], providers: [Tasks], platform },
        imports: [TypeOrmModule.forRoot({ type: 'better-sqlite3', database: ':memory:' })],
      });

    it('has started none, and answers itself', async () => {
      await using app = await shop();
      const response = await app.fetch('/order');
      expect([response.status, await response.json()]).toEqual([200, { ordered: false }]);
      expect(await app.service.list()).toEqual([]);
    });

    it('may start another, to which its answer leads', async () => {
      await using app = await shop();
      const started = await app.fetch('/order-or-ask');
      expect(started.status).toBe(303);
      expect(await (await app.fetch(locationOf(started))).text()).toBe('asked\n');
    });

    it('and fails points at none', async () => {
      await using app = await shop();
      const response = await app.fetch('/fail');
      expect([response.status, response.headers.has('link')]).toEqual([409, false]);
    });
  },
);
