import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { inspect } from 'node:util';
import {
  background,
  Background,
  currentJob,
  JobDeadlockError,
  jobOf,
  transparent,
  type JobFuture,
} from '../../src/index.js';
import { fakeClock } from '../../src/testing/index.js';
import { Latch } from '../support/latch.js';
import { closeApps, startApp } from '../support/test-app.js';
import { until } from '../support/until.js';

afterEach(closeApps);

class Table {
  readonly rows: string[];
  saved = 0;

  constructor(...rows: string[]) {
    this.rows = rows;
  }

  first(count: number): Table {
    return new Table(...this.rows.slice(0, count));
  }

  save(): number {
    this.saved += 1;
    return this.saved;
  }
}

@Injectable()
class Steps {
  readonly latch = new Latch();
  readonly seen: unknown[] = [];
  readonly table = new Table('a', 'b', 'c');

  @Background()
  async build(): Promise<Table> {
    await this.latch.opened;
    return this.table;
  }

  @Background()
  async fails(): Promise<Table> {
    await this.latch.opened;
    throw new RangeError('no table');
  }

  @Background()
  async send(table: Table, note: string): Promise<string> {
    this.seen.push(table);
    return `${note}: ${table.rows.length}`;
  }

  @Background()
  async counts(length: number): Promise<number> {
    return length * 10;
  }

  @Background()
  async waitsForWhatIsMadeOfIt(): Promise<unknown> {
    const parent = this.self!;
    return background<Steps>(this).send(parent as JobFuture<never>, 'never');
  }

  self: JobFuture<unknown> | undefined;

  @Background()
  async starts(): Promise<[string, number]> {
    const sent = background<Steps>(this).send(jobOf(this.build()), 'sent');
    return [sent.id, currentJob()!.attempt];
  }
}

describe('A future as an argument of another job', () => {
  it('is resolved before that job starts, and nobody waits for it meanwhile', async () => {
    await using app = await startApp({ providers: [Steps], background: { concurrency: 1 } });
    const steps = app.get(Steps);
    const sent = background(steps).send(jobOf(steps.build()), 'sent');
    await sent.accepted;
    expect((await sent.job()).state).toBe('scheduled');
    steps.latch.open();
    expect(await sent).toBe('sent: 3');
    expect(steps.seen).toEqual([steps.table]);
  });

  it('fails that job with its own error, without a run', async () => {
    await using app = await startApp({ providers: [Steps] });
    const steps = app.get(Steps);
    const failing = jobOf(steps.fails());
    const sent = background(steps).send(failing, 'sent');
    steps.latch.open();
    const [first, second] = await Promise.allSettled([failing, sent]);
    expect((second as PromiseRejectedResult).reason).toBe((first as PromiseRejectedResult).reason);
    expect(await sent.job()).toMatchObject({
      state: 'failed',
      attempt: 0,
      error: { name: 'RangeError', message: 'no table' },
    });
    expect(steps.seen).toEqual([]);
  });

  it('is logged once where nobody awaits either of them', async () => {
    await using app = await startApp({ providers: [Steps] });
    const steps = app.get(Steps);
    const sent = background(steps).send(jobOf(steps.fails()), 'sent');
    steps.latch.open();
    await until(async () => (await sent.job()).state === 'failed');
    await until(() => app.log.containing('error', 'no table').length > 0);
    expect(app.log.containing('error', 'no table')).toHaveLength(1);
    expect(app.log.containing('error', sent.id)).toHaveLength(1);
  });

  it('may be one that is settled, or a part of the result of another', async () => {
    await using app = await startApp({ providers: [Steps] });
    const steps = app.get(Steps);
    steps.latch.open();
    const built = jobOf(steps.build());
    await built;
    expect(await background(steps).send(built, 'late')).toBe('late: 3');
    expect(await background(steps).counts(transparent(built).rows.length)).toBe(30);
  });

  it('leaves the job free to be cancelled before it starts', async () => {
    await using app = await startApp({ providers: [Steps] });
    const steps = app.get(Steps);
    const sent = background(steps).send(jobOf(steps.build()), 'sent');
    await sent.accepted;
    expect(await sent.cancel()).toBe(true);
    steps.latch.open();
    await app.service.drain();
    expect(steps.seen).toEqual([]);
    expect((await sent.job()).state).toBe('cancelled');
  });

  it('counts its delay from the call', async () => {
    const clock = fakeClock();
    await using app = await startApp({ providers: [Steps], background: { clock } });
    const steps = app.get(Steps);
    const sent = background(steps, { delay: '1m' }).send(jobOf(steps.build()), 'sent');
    await clock.advance(40_000);
    steps.latch.open();
    await clock.advance(19_999);
    expect((await sent.job()).state).toBe('scheduled');
    await clock.advance(1);
    expect(await sent).toBe('sent: 3');
  });

  it('is a wait like any other: one that would close a circle is refused', async () => {
    await using app = await startApp({ providers: [Steps] });
    const steps = app.get(Steps);
    steps.self = jobOf(steps.waitsForWhatIsMadeOfIt());
    await expect(steps.self).rejects.toMatchObject({
      constructor: JobDeadlockError,
      cycle: ['Steps.waitsForWhatIsMadeOfIt', 'Steps.send'],
    });
  });

  it('does not hold the job that passes it on', async () => {
    await using app = await startApp({ providers: [Steps], background: { concurrency: 1 } });
    const steps = app.get(Steps);
    const [id] = await steps.starts();
    steps.latch.open();
    expect(await app.service.wait(id)).toBe('sent: 3');
  });
});

describe('A transparent future', () => {
  async function built(): Promise<[Steps, JobFuture<Table>]> {
    const app = await startApp({ providers: [Steps] });
    const steps = app.get(Steps);
    return [steps, jobOf(steps.build())];
  }

  it('gives properties and results of methods, of any depth, once they are there', async () => {
    const [steps, future] = await built();
    const length: Promise<number> = transparent(future).rows.length;
    const second: Promise<string> = transparent(future).first(2).rows.join('+').toUpperCase();
    steps.latch.open();
    expect(await length).toBe(3);
    expect(await second).toBe('A+B');
    expect(await transparent(future)).toBe(steps.table);
  });

  it('calls a method once, with its object, whether or not the call is awaited', async () => {
    const [steps, future] = await built();
    const saved = transparent(future).save();
    steps.latch.open();
    await until(() => steps.table.saved === 1);
    expect(await Promise.all([saved, saved])).toEqual([1, 1]);
  });

  it("rejects with the job's error, and where nobody awaits it, it is the job's to tell", async () => {
    await using app = await startApp({ providers: [Steps] });
    const steps = app.get(Steps);
    const future = jobOf(steps.fails());
    void transparent(future).save();
    void transparent(future).rows.length;
    steps.latch.open();
    await until(() => app.log.containing('error', 'no table').length === 1);
    await expect(transparent(future).rows.length).rejects.toThrow('no table');
    await expect(transparent(future).first(1).rows.length).rejects.toThrow('no table');
  });

  it('says what is no method, and what must be awaited first', async () => {
    const [steps, future] = await built();
    steps.latch.open();
    const wrong = transparent(future) as unknown as { rows: { save(): Promise<void>; a: number } };
    await expect(wrong.rows.save()).rejects.toThrow('transparent(…).rows.save is not a function');
    expect(() => `${wrong.rows as unknown as string}`).toThrow('(await transparent(…).rows)');
    expect(() => [...(transparent(future).rows as unknown as string[])]).toThrow('still to come');
    expect(() => (wrong.rows.a = 1)).toThrow('cannot be set');
    expect(inspect(wrong.rows)).toBe('Transparent { transparent(…).rows }');
  });

  it('comes to nothing where it is written as JSON, as any promise does', async () => {
    const unhandled = jest.fn();
    process.on('unhandledRejection', unhandled);
    const rows = transparent(Promise.resolve(new Table('a'))).rows;
    expect(JSON.stringify({ rows })).toBe('{}');
    expect(await transparent(Promise.resolve(new Date(0))).toJSON()).toBe(new Date(0).toJSON());
    await new Promise((resolve) => setTimeout(resolve, 10));
    process.off('unhandledRejection', unhandled);
    expect(unhandled).not.toHaveBeenCalled();
  });

  it('takes any promise, and works as one', async () => {
    const text = transparent(Promise.resolve('abc'));
    expect(await text.length).toBe(3);
    expect(await text.at(-1).then((letter) => letter)).toBe('c');
    expect(await text.finally(() => {})).toBe('abc');
    expect(await transparent(Promise.reject(new Error('x'))).catch(() => 'caught')).toBe('caught');
  });
});
