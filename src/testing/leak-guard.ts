import { BackgroundError } from '../errors/background.error.js';

/** Fails a test that leaves something open. */
export interface LeakGuard {
  /** @throws BackgroundError that names what was opened since and is open still, and keeps the process alive. */
  check(): Promise<void>;
}

/**
 * Notes what is open now: timers, sockets, servers, threads.
 * @example
 * ```ts
 * const guard = leakGuard();
 * await app.close();
 * await guard.check();
 * ```
 */
export function leakGuard(): LeakGuard {
  const before = openResources();
  return {
    async check() {
      const leaked = await settled(() => without(openResources(), before));
      if (leaked.length === 0) return;
      throw new BackgroundError(
        `Still open: ${leaked.join(', ')}. Close what the test has started: await app.close().`,
      );
    },
  };
}

/** Closing takes a few turns of the event loop after its promise is settled. */
async function settled(leaks: () => string[]): Promise<string[]> {
  for (let turn = 0; turn < 20 && leaks().length > 0; turn++) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  return leaks();
}

function openResources(): string[] {
  return process.getActiveResourcesInfo().filter((kind) => kind !== 'Immediate');
}

function without(kinds: readonly string[], others: readonly string[]): string[] {
  const left = [...others];
  return kinds.filter((kind) => {
    const index = left.indexOf(kind);
    if (index >= 0) left.splice(index, 1);
    return index < 0;
  });
}
