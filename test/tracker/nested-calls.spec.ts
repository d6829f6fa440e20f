import { describe, expect, it } from '@jest/globals';
import { DataSource } from 'typeorm';
import { jobOf, type JobFuture } from '../../src/index.js';
import { Durable, startDurableApp } from '../support/durable-app.js';
import { REACHABLE } from '../support/new-database.js';
import { preparedDatabase } from '../support/prepared-database.js';
import { until } from '../support/until.js';

const undo = (): Promise<never> => Promise.reject(new Error('undone'));

describe.each(REACHABLE)('A call beside a part of a transaction that is undone, on %s,', (kind) => {
  const own = preparedDatabase(kind);

  const stored = async (id: string): Promise<number> =>
    (await own.outside.query<unknown[]>(`SELECT id FROM background_job WHERE id = '${id}'`)).length;

  it('is stored where it was made before that', async () => {
    const app = await startDurableApp(own.database);
    const jobs = app.get(Durable);
    jobs.latch.open();
    const future = await app.get(DataSource).transaction(async (manager) => {
      const called = jobOf(jobs.enter());
      await manager.transaction(undo).catch(() => undefined);
      return { called };
    });
    expect(await future.called).toBe(1);
  });

  it('is stored where it was made after that', async () => {
    const app = await startDurableApp(own.database);
    const jobs = app.get(Durable);
    jobs.latch.open();
    const future = await app.get(DataSource).transaction(async (manager) => {
      await manager.transaction(undo).catch(() => undefined);
      return { called: jobOf(jobs.enter()) };
    });
    expect(await future.called).toBe(1);
  });

  it('is gone where it was made within it', async () => {
    const app = await startDurableApp(own.database);
    const jobs = app.get(Durable);
    let called!: JobFuture<number>;
    await app.get(DataSource).transaction(async (manager) => {
      const part = manager.transaction(async () => {
        called = jobOf(jobs.enter());
        called.catch(() => undefined);
        return undo();
      });
      await part.catch(() => undefined);
      await manager.query(`INSERT INTO ledger (job) VALUES ('kept')`);
    });
    await expect(called).rejects.toThrow('rolled back');
    await until(async () => (await stored(called.id)) === 0);
    expect(jobs.seen).toEqual([]);
  });
});
