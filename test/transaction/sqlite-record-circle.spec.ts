import { Injectable } from '@nestjs/common';
import { describe, expect, it } from '@jest/globals';
import { DataSource } from 'typeorm';
import {
  background,
  Background,
  BackgroundService,
  JobDeadlockError,
  jobOf,
  outsideTransaction,
  print,
} from '../../src/index.js';
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

  constructor(
    private readonly dataSource: DataSource,
    private readonly service: BackgroundService,
  ) {}

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

  @Background({ name: 'unaccepted' })
  async unaccepted(): Promise<void> {
    await this.write('unaccepted');
    await jobOf(outsideTransaction(() => this.child())).accepted;
  }

  @Background({ name: 'asks' })
  async asks(what: 'cancel' | 'retry', id: string): Promise<boolean> {
    await this.write(what);
    return this.service[what](id);
  }

  @Background({ name: 'next' })
  async next(): Promise<void> {
    await this.write('next');
  }

  private async write(what: string): Promise<void> {
    await this.dataSource.query(`INSERT INTO ledger (job) VALUES ('${what}')`);
  }
}

describe('A job that holds the SQLite file where its jobs are recorded', () => {
  const prepared = preparedDatabase('sqlite');

  const start = (concurrency: number): Promise<TestApp> =>
    startDurableApp(prepared.database, {}, { concurrency }, [Family]);

  const written = async (): Promise<unknown[]> => {
    const { outside } = prepared;
    const rows = await outside.query<{ job: string }[]>('SELECT job FROM ledger');
    await outside.query('DELETE FROM ledger');
    return rows.map(({ job }) => job);
  };

  const stateOf = async (app: TestApp, { id }: { id: string }): Promise<string | undefined> =>
    (await app.service.find(id))?.state;

  it('has the result of another that has begun before: its end is recorded when the file is free', async () => {
    const app = await start(2);
    const family = app.get(Family);
    expect(await family.early()).toBe('grown');
    const [child] = await app.service.list({ name: 'child' });
    await until(async () => (await stateOf(app, child!)) === 'completed');
    expect(await app.service.output(child!.id)).toBe('grown\n');
    expect(await written()).toEqual(['early']);
  });

  it.each(['running', 'waiting'])(
    'cancels another that is %s, which is recorded then',
    async (how) => {
      const app = await start(2);
      const family = app.get(Family);
      const delay = how === 'waiting' ? '1h' : 0;
      const child = background(family, { delay }).child();
      const end = child.catch((error: Error) => error.name);
      await (how === 'waiting' ? child.accepted : family.childBegan.opened);
      expect(await family.asks('cancel', child.id)).toBe(true);
      expect(await end).toBe('JobCancelledError');
      await until(async () => (await stateOf(app, child)) === 'cancelled');
      expect(await written()).toEqual(['cancel']);
    },
  );

  it('has another run again when it has ended, not before', async () => {
    const app = await start(2);
    const family = app.get(Family);
    family.childGoesOn.open();
    const child = background(family, { delay: '1h' }).child();
    child.catch(() => undefined);
    await child.accepted;
    await child.cancel();
    await expect(family.asks('retry', child.id)).rejects.toThrow(JobDeadlockError);
    expect(await written()).toEqual([]);
    expect(await app.service.retry(child.id)).toBe(true);
    expect(await app.service.wait(child.id)).toBe('grown');
  });

  it('does not wait until another is accepted that is stored outside of its transaction', async () => {
    const app = await start(2);
    await expect(app.get(Family).unaccepted()).rejects.toThrow(JobDeadlockError);
    expect(await app.service.list({ name: 'child', limit: 1, state: 'queued' })).toEqual([]);
    expect(app.log.containing('error', 'could not')).toEqual([]);
  });

  it.each(['unstarted', 'uncalled'] as const)(
    'is told soon that it waits in a circle where another could not begin, and others go on: %s',
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
