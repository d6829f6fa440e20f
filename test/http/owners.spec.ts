import { describe, expect, it } from '@jest/globals';
import { Controller, Get } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { Background, print, typeOrmTracker } from '../../src/index.js';
import { startAt } from '../support/http.js';
import { preparedDatabase } from '../support/prepared-database.js';
import { PLATFORMS, startApp, type TestApp } from '../support/test-app.js';

@Controller()
class Reports {
  @Background()
  @Get('report')
  async build(): Promise<void> {
    print('built');
  }
}

describe.each(PLATFORMS)('An owner that is no text, on %s', (platform) => {
  const db = preparedDatabase('sqlite');

  const appWith = (owner: unknown): Promise<TestApp> =>
    startApp({
      ...{ controllers: [Reports], platform },
      imports: [TypeOrmModule.forRoot(db.database.options)],
      background: { tracker: typeOrmTracker(), http: { owner: () => owner as string } },
    });

  it.each([7, 12345678901234567890n, null])(
    'is the same when the database gives it back: %p',
    async (owner) => {
      await using app = await appWith(owner);
      expect((await app.fetch(await startAt(app, '/report'))).status).toBe(200);
    },
  );

  it.each([Promise.resolve('ann'), { id: 7 }])(
    'is a mistake where it cannot be told from others: %p',
    async (owner) => {
      await using app = await appWith(owner);
      expect((await app.fetch('/report')).status).toBe(500);
      expect(app.log.containing('error', 'The owner of a request is')).toHaveLength(1);
      expect(await app.service.list({ state: 'queued' })).toEqual([]);
    },
  );
});
