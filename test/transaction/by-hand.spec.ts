import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { DataSource, type QueryRunner } from 'typeorm';
import { Background, jobOf, memoryTracker, timedQuery, type JobFuture } from '../../src/index.js';
import { Durable, startDurableApp } from '../support/durable-app.js';
import { REACHABLE } from '../support/new-database.js';
import { preparedDatabase } from '../support/prepared-database.js';
import type { TestApp } from '../support/test-app.js';

type Step = 'begin' | 'call' | 'commit' | 'roll back' | 'callback';

/** Calls jobs from within savepoints that it begins and ends itself. */
@Injectable()
class Caller {
  called: JobFuture<number>[] = [];

  constructor(
    private readonly dataSource: DataSource,
    private readonly jobs: Durable,
  ) {}

  @Background({ name: 'caller' })
  async run(...steps: Step[]): Promise<void> {
    const runners: QueryRunner[] = [];
    await this.dataSource.query(`INSERT INTO ledger (job) VALUES ('caller')`);
    for (const step of steps) {
      if (step === 'call') this.#call();
      else if (step === 'callback') {
        const { manager } = runners.at(-1) ?? this.dataSource;
        await manager.transaction(async () => this.#call());
      } else if (step === 'begin') {
        const runner = this.dataSource.createQueryRunner();
        // Within the one that is open, if any.
        await (runners.at(-1) ?? runner).startTransaction();
        runners.push(runners.at(-1) ?? runner);
      } else {
        const runner = runners.pop()!;
        await (step === 'commit' ? runner.commitTransaction() : runner.rollbackTransaction());
        await runner.release();
      }
    }
  }

  @Background({ name: 'looker' })
  async look(): Promise<void> {
    await this.dataSource.query('SELECT 1 FROM ledger');
    await timedQuery(async () => {
      this.#call();
      return true;
    });
  }

  #call(): void {
    const future = jobOf(this.jobs.enter());
    future.catch(() => undefined);
    this.called.push(future);
  }

  /** What became of the jobs: whether each was run. */
  async ran(): Promise<boolean[]> {
    const results = await Promise.allSettled(this.called);
    return results.map(({ status }) => status === 'fulfilled');
  }
}

describe.each(REACHABLE)('A job called in a savepoint that a job began by hand, on %s,', (kind) => {
  const own = preparedDatabase(kind, afterAll);

  describe.each(['kept there', 'kept in memory'])('%s,', (where) => {
    // One for all, closed with the database: each test waits for the ends of its jobs, and to start an application takes longer than they do.
    let app: TestApp;
    let caller: Caller;

    beforeAll(async () => {
      const tracker = where === 'kept in memory' ? { tracker: memoryTracker() } : {};
      app = await startDurableApp(own.database, {}, tracker, [Caller]);
      app.get(Durable).latch.open();
      caller = app.get(Caller);
    });

    beforeEach(() => {
      caller.called = [];
      app.get(Durable).seen.length = 0;
    });

    it.each<[Step[], boolean[]]>([
      [['begin', 'call', 'commit'], [true]],
      [['begin', 'call', 'roll back'], [false]],
      [
        ['call', 'begin', 'call', 'roll back', 'call'],
        [true, false, true],
      ],
      [
        ['begin', 'call', 'begin', 'call', 'roll back', 'commit'],
        [true, false],
      ],
      [['begin', 'begin', 'call', 'commit', 'roll back'], [false]],
      [
        ['begin', 'callback', 'roll back', 'callback'],
        [false, true],
      ],
      [['begin', 'callback', 'commit'], [true]],
    ])('starts after it all, or never: %j', async (steps, ran) => {
      await caller.run(...steps);
      expect(await caller.ran()).toEqual(ran);
      expect(app.get(Durable).seen).toHaveLength(ran.filter(Boolean).length);
    });

    it('never starts where that savepoint is left open', async () => {
      await expect(caller.run('begin', 'call')).rejects.toThrow('neither committed nor rolled');
      expect(await caller.ran()).toEqual([false]);
      expect(await app.service.find(caller.called[0]!.id)).toBeUndefined();
    });

    it('starts where timedQuery() called it', async () => {
      await caller.look();
      expect(await caller.ran()).toEqual([true]);
    });
  });
});
