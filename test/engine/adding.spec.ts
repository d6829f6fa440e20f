import { describe, expect, it } from '@jest/globals';
import type { Queue } from 'bullmq';
import { Adding } from '../../src/engine/bullmq/adding.js';
import { Latch } from '../support/latch.js';
import { until } from '../support/until.js';

class Lots {
  readonly all: string[][] = [];
  latch = new Latch();
  error: Error | undefined;

  /** As the queue of BullMQ does it. */
  readonly queue = {
    addBulk: async (jobs: { name: string }[]) => {
      this.all.push(jobs.map(({ name }) => name));
      await this.latch.opened;
      if (this.error) throw this.error;
      return jobs.map(({ name }) => ({ id: `id of ${name}` }));
    },
  } as unknown as Queue;

  readonly adding = new Adding(this.queue);

  add(name: string): Promise<string> {
    return this.adding.add({ name, data: {}, opts: {} });
  }
}

describe('Jobs that are put into the queue', () => {
  it('go together where they come in one turn, in their order, and each is told its own id', async () => {
    const lots = new Lots();
    lots.latch.open();
    const ids = await Promise.all(['a', 'b', 'c'].map((name) => lots.add(name)));
    expect(lots.all).toEqual([['a', 'b', 'c']]);
    expect(ids).toEqual(['id of a', 'id of b', 'id of c']);
  });

  it('go after those that are on their way, and not beside them', async () => {
    const lots = new Lots();
    const first = lots.add('first');
    await until(() => lots.all.length === 1);
    const others = [lots.add('second'), lots.add('third')];
    expect(lots.all).toEqual([['first']]);
    lots.latch.open();
    await Promise.all([first, ...others]);
    expect(lots.all).toEqual([['first'], ['second', 'third']]);
  });

  it('are all refused where the queue is away, and those that come later are not', async () => {
    const lots = new Lots();
    lots.latch.open();
    lots.error = new Error('away');
    const refused = ['a', 'b'].map((name) => lots.add(name));
    expect(await Promise.allSettled(refused)).toEqual(
      ['a', 'b'].map(() => ({ status: 'rejected', reason: lots.error })),
    );
    lots.error = undefined;
    expect(await lots.add('c')).toBe('id of c');
  });
});
