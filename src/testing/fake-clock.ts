import { setImmediate } from 'node:timers';
import type { Clock } from '../job/clock.js';

interface FakeTimer {
  readonly dueAt: number;
  readonly callback: () => void;
}

/** A clock that stands still until the test moves it. */
export interface FakeClock extends Clock {
  /** How many timers are set. */
  readonly pending: number;
  /** Moves the time on by `ms`, running what falls due in order, and lets what that sets off run in between. */
  advance(ms: number): Promise<void>;
}

/**
 * Time in the hands of a test, for rules about time: timeouts, retention, delays.
 * @param now Where it begins, in ms since 1970.
 * @example
 * ```ts
 * const clock = fakeClock();
 * BackgroundModule.forRoot({ clock });
 * await clock.advance(60_000);
 * ```
 */
export function fakeClock(now = Date.UTC(2026, 0, 1)): FakeClock {
  const timers = new Set<FakeTimer>();
  const nextDue = (until: number): FakeTimer | undefined =>
    [...timers].filter(({ dueAt }) => dueAt <= until).sort((a, b) => a.dueAt - b.dueAt)[0];
  return {
    now: () => now,
    get pending() {
      return timers.size;
    },
    after(delay, callback) {
      const timer = { dueAt: now + delay, callback };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    async advance(ms) {
      const until = now + ms;
      await turns();
      for (let timer = nextDue(until); timer; timer = nextDue(until)) {
        timers.delete(timer);
        now = Math.max(now, timer.dueAt);
        timer.callback();
        await turns();
      }
      now = until;
      await turns();
    },
  };
}

/** A few turns of the event loop: enough for jobs to start, and for what they do in memory. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
}
