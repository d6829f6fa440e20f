import { Injectable } from '@nestjs/common';
import { describe, expect, it } from '@jest/globals';
import { DataSource } from 'typeorm';
import { Background, JobDeadlockError, jobOf, outsideTransaction, print } from '../../src/index.js';
import { startDurableApp } from '../support/durable-app.js';
import { Latch } from '../support/latch.js';
import { preparedDatabase } from '../support/prepared-database.js';
import type { TestApp } from '../support/test-app.js';
import { until } from '../support/until.js';

/** Jobs whose records are in the file that they write to. */
@Injectable()
class Family {
  readonly childGoesOn = new Latch();
  readonly childBegan = new Latch();

  constructor(private readonly dataSource: DataSource) {}

  @Background({ name: 'child' })
  async child(): Promise<string> {
    this.childBegan.open();
    await this.childGoesOn.opened;
    print('grown');
    return 'grown';
  }

  @Background({ name: 'early' })
  async early(): Promise<string> {
    const child = this.child();
    await this.childBegan.opened;
    await this.write('early');
    this.childGoesOn.open();
    return child;
  }

  @Background({ name: 'unstarted' })
  async unstarted(): Promise<string> {
    const child = this.child();
    await jobOf(child).accepted;
    await this.write('unstarted');
    return child;
  }

  @Background({ name: 'uncalled' })
  async uncalled(): Promise<string> {
    await this.write('uncalled');
    return outsideTransaction(() => this.child());
  }

  @Background({ name: 'next' })
  async next(): Promise<void> {
    await this.write('next');
  }

  private async write(what: string): Promise<void> {
    await this.dataSource.query(`INSERT INTO ledger (job) VALUES ('${what}')`);
  }
}

describe('A job that holds the SQLite file where its jobs are recorded, and awaits another', () => {
  const prepared = preparedDatabase('sqlite');

  const start = (concurrency: number): Promise<TestApp> =>
    startDurableApp(prepared.database, {}, { concurrency }, [Family]);

  const written = async (): Promise<unknown[]> => {
    const { outside } = prepared;
    const rows = await outside.query<{ job: string }[]>('SELECT job FROM ledger');
    await outside.query('DELETE FROM ledger');
    return rows.map(({ job }) => job);
  };

  it('has its result where that one has begun before: its end is recorded when the file is free', async () => {
    const app = await start(2);
    const family = app.get(Family);
    expect(await family.early()).toBe('grown');
    const [child] = await app.service.list({ name: 'child' });
    await until(async () => (await app.service.find(child!.id))?.state === 'completed');
    expect(await app.service.output(child!.id)).toBe('grown\n');
    expect(await written()).toEqual(['early']);
  });

  it.each(['unstarted', 'uncalled'] as const)(
    'is told soon that it waits in a circle where that one could not begin, and others go on: %s',
    async (how) => {
      const app = await start(1);
      const family = app.get(Family);
      family.childGoesOn.open();
      const failed = async (): Promise<number> => (await app.service.counts()).failed;
      const before = await failed();
      const began = performance.now();
      const error: unknown = await family[how]().catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(JobDeadlockError);
      expect(error).toMatchObject({ cycle: [how, 'child'] });
      expect((error as Error).message).toMatch(/one writer at a time/);
      expect(performance.now() - began).toBeLessThan(15_000);
      await family.next();
      expect(await written()).toEqual(['next']);
      await until(async () => {
        const { queued, running } = await app.service.counts();
        return queued + running === 0;
      });
      // The parent, and the child where it had been stored.
      expect((await failed()) - before).toBe(how === 'unstarted' ? 2 : 1);
    },
    30_000,
  );
});
