import { describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { Background, jobOf, type JobFuture } from '../../src/index.js';
import { Durable, startDurableApp } from '../support/durable-app.js';
import { Latch } from '../support/latch.js';
import { REACHABLE } from '../support/new-database.js';
import { preparedDatabase } from '../support/prepared-database.js';
import { until } from '../support/until.js';

@Injectable()
class Unique {
  @Background({ name: 'once', unique: { key: () => 'one', for: '1h' } })
  async once(n: number): Promise<number> {
    return n;
  }
}

describe.each(REACHABLE)('A job that is called in an open transaction, on %s,', (kind) => {
  const own = preparedDatabase(kind);

  it('can be cancelled there, and is found so after the commit', async () => {
    const app = await startDurableApp(own.database);
    const jobs = app.get(Durable);
    jobs.latch.open();
    let called!: JobFuture<number>;
    const cancelled = await app.get(DataSource).transaction(async () => {
      called = jobOf(jobs.enter());
      called.catch(() => undefined);
      await called.accepted;
      return called.cancel('not needed');
    });
    expect(cancelled).toBe(true);
    await expect(called).rejects.toMatchObject({ name: 'JobCancelledError', reason: 'not needed' });
    await until(async () => (await app.service.find(called.id))?.state === 'cancelled');
    expect(await called.cancel()).toBe(false);
    expect(jobs.seen).toEqual([]);
  });

  it('stands for no other call of its unique key once it is rolled back', async () => {
    const app = await startDurableApp(own.database, {}, {}, [Unique]);
    const unique = app.get(Unique);
    const undone = app.get(DataSource).transaction(async () => {
      unique.once(1).catch(() => undefined);
      throw new Error('undone');
    });
    await expect(undone).rejects.toThrow('undone');
    expect(await unique.once(2)).toBe(2);
  });

  it('stands for others of its unique key in that transaction alone, until it is committed', async () => {
    const app = await startDurableApp(own.database, {}, {}, [Unique]);
    const unique = app.get(Unique);
    const [called, goOn] = [new Latch(), new Latch()];
    const undone = app.get(DataSource).transaction(async () => {
      const first = unique.once(1);
      first.catch(() => undefined);
      expect(unique.once(1)).toBe(first);
      called.open();
      await goOn.opened;
      throw new Error('undone');
    });
    await called.opened;
    const apart = unique.once(2);
    goOn.open();
    await expect(undone).rejects.toThrow('undone');
    expect(await apart).toBe(2);
  });
});
