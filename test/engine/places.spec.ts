import { describe, expect, it } from '@jest/globals';
import { Places, type Place } from '../../src/engine/bullmq/places.js';
import type { JobTicket } from '../../src/engine/job-engine.js';
import { until } from '../support/until.js';

const ticket = (id: string): JobTicket => ({
  ...{ id, name: id, priority: 0, runAt: undefined, limit: undefined },
});

/** Places, and what became of the jobs that asked for one. */
class Line {
  readonly places: Places;
  readonly got = new Map<string, Place | undefined>();

  constructor(count: number) {
    this.places = new Places(count);
  }

  take(id: string, isFirst = false): void {
    void this.places.take(id, isFirst).then((place) => this.got.set(id, place));
  }

  async has(...ids: string[]): Promise<void> {
    await until(() => ids.length === this.got.size);
    expect([...this.got.keys()]).toEqual(ids);
  }
}

describe('Places for jobs that were fetched', () => {
  it('are had at once while there are any, then in turn', async () => {
    const line = new Line(1);
    line.take('a');
    line.take('b');
    line.take('c');
    await line.has('a');
    expect(line.got.get('a')).toEqual({ coming: undefined });
    line.places.leave(ticket('a'));
    await line.has('a', 'b');
    line.places.leave(ticket('b'));
    await line.has('a', 'b', 'c');
  });

  it('are given on while the end of a job is recorded, to begin after it', async () => {
    const line = new Line(1);
    const first = ticket('a');
    line.take('a');
    line.take('b');
    line.take('c');
    line.places.vacate(first);
    await line.has('a', 'b');
    let isFree = false;
    void line.got.get('b')!.coming!()!.then(() => (isFree = true));
    // Another delivery of the same job has nothing to do with it.
    await Promise.resolve();
    expect(isFree).toBe(false);
    line.places.leave(first);
    await until(() => isFree);
    await line.has('a', 'b');
  });

  it('go first to the one that somebody waits for', async () => {
    const line = new Line(1);
    line.take('a');
    line.take('b');
    line.take('awaited', true);
    line.places.leave(ticket('a'));
    await line.has('a', 'awaited');
  });

  it('that are lent go to the awaited job where it is in line', async () => {
    const line = new Line(1);
    line.take('a');
    line.take('b');
    line.take('awaited');
    const takeBack = line.places.lend('awaited');
    await line.has('a', 'awaited');
    takeBack();
    line.places.leave(ticket('a'));
    line.places.leave(ticket('awaited'));
    await line.has('a', 'awaited', 'b');
  });

  it('that are lent hand back what is in line where the awaited job is in the queue still', async () => {
    const line = new Line(1);
    line.take('a');
    line.take('b');
    line.places.lend('awaited');
    await line.has('a', 'b');
    expect(line.got.get('b')).toBeUndefined();
    line.take('awaited');
    await line.has('a', 'b', 'awaited');
  });

  it('are not waited for when they take long: another process may have one', async () => {
    const line = new Line(1);
    line.take('a');
    line.take('b');
    await line.has('a', 'b');
    expect(line.got.get('b')).toBeUndefined();
    expect(line.got.get('a')).toBeDefined();
  });

  it('are given to nobody any more at the end', async () => {
    const line = new Line(1);
    line.take('a');
    line.take('b');
    line.places.close();
    line.take('c');
    await line.has('a', 'b', 'c');
    expect([line.got.get('b'), line.got.get('c')]).toEqual([undefined, undefined]);
  });

  it('let more be fetched than there are only while jobs are short', () => {
    const { places } = new Line(4);
    expect(places.most).toBe(4);
    for (let ended = 0; ended < 100; ended++) places.vacate(ticket('a'));
    expect(places.most).toBe(8);
  });
});
