import type { JobRecord } from '../job/job.js';

const LONGEST = 30;

/**
 * In how many seconds to ask again: soon for a young job, less often for one that has taken long already. Spread by
 * chance, so that clients that came at once do not all come back at once.
 * @param chance From 0 to 1.
 */
export function retryAfter({ createdAt }: JobRecord, now: number, chance: number): string {
  const age = Math.max(0, now - createdAt) / 1000;
  return spread(Math.min(LONGEST, Math.max(1, age / 10)), chance);
}

/** So many seconds, or up to twice as many. */
export function spread(seconds: number, chance: number): string {
  return String(Math.round(seconds + seconds * chance));
}
