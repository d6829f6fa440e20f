import { describe, expect, it } from '@jest/globals';
import { LoopLoad } from '../../src/tracker/loop-load.js';
import { until } from '../support/until.js';

function holdTheThread(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

describe('Readers, where the event loop', () => {
  it('has time, pause no longer than else', () => {
    expect(new LoopLoad().stretch()).toBe(1);
  });

  it('has none left, pause longer and longer, up to four times, and no longer when it has time again', async () => {
    const load = new LoopLoad();
    const seen = [1];
    while (seen.at(-1)! < 4 && seen.length < 1_000) {
      holdTheThread(25);
      await new Promise((resolve) => setImmediate(resolve));
      seen.push(load.stretch());
    }
    expect(seen.at(-1)).toBe(4);
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
    await until(() => load.stretch() === 1);
  });
});
