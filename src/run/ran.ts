import type { DeliveryOutcome } from '../engine/job-engine.js';
import type { JobChange } from '../job/state-machine.js';

export const OVER: DeliveryOutcome = {};

/** What came of an attempt, and how its future is to be told once the engine has been. */
export interface Ran {
  readonly outcome: DeliveryOutcome;
  /** Left out where the call goes on waiting: to be delivered again, or for its end in another process. */
  readonly settle?: () => void;
}

export function over(settle: () => void): Ran {
  return { outcome: OVER, settle };
}

/** The application ends: the future is told, and what is to run again is another process's. */
export function leaving(change: JobChange, runAt: number | undefined, settle: () => void): Ran {
  if (change.type !== 'release' && runAt === undefined) return over(settle);
  return { outcome: { again: { runAt: runAt ?? change.at } }, settle };
}

export function again(runAt: number): Ran {
  return { outcome: { again: { runAt } } };
}
