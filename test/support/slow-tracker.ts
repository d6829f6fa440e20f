import { memoryTracker, type JobTracker } from '../../src/index.js';

type Method = (...args: unknown[]) => unknown;

const WRITES = ['create', 'forget', 'change', 'setProgress', 'append', 'share'];

/**
 * A tracker in memory that takes its time like one on another machine: what is written is there some turns later, in
 * order, and what is read meanwhile is read before.
 */
export function slowTracker(writeTurns = 5, readTurns = 1): JobTracker {
  const inner = memoryTracker() as unknown as Record<string, Method>;
  return new Proxy(inner, {
    get(_target, name: string) {
      if (typeof inner[name] !== 'function') return inner[name];
      const method: Method = (...args) => inner[name]!(...args);
      if (name === 'watch') return method;
      return async (...args: unknown[]) => {
        await turns(WRITES.includes(name) ? writeTurns : readTurns);
        return method(...args);
      };
    },
  }) as unknown as JobTracker;
}

/** Lets the event loop go on so many times. */
export async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
}
