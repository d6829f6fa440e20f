import { setTimeout as wait } from 'node:timers/promises';
import type { Queue } from 'bullmq';
import type { HeldJob } from './held-jobs.js';

/** How BullMQ says that a delivery is no longer the one that counts: the job is gone, or with somebody else. */
const GONE = -1;
const NOT_OURS = new Set([-2, -3, -6]);

/** What becomes of a job that was fetched. */
export type Settlement =
  | { readonly kind: 'done' }
  | { readonly kind: 'refused'; readonly why: string }
  | { readonly kind: 'back' }
  | { readonly kind: 'later'; readonly delay: number };

export interface Settling {
  readonly queue: Queue;
  wake(): Promise<void>;
  /** Whether to try no longer. */
  isOver(): boolean;
  /** Puts a job into the queue again that BullMQ has lost, due after so many ms. */
  again(held: HeldJob, delay: number): Promise<void>;
}

/** Tells BullMQ, again and again while it cannot be reached: until then the job is held, and not delivered to anybody. */
export async function settle(
  settling: Settling,
  held: HeldJob,
  settlement: Settlement,
): Promise<void> {
  for (let pause = 100; ; pause = Math.min(2 * pause, 2_000)) {
    try {
      return await tell(settling, held, settlement);
    } catch (error) {
      const code = codeOf(error);
      if (code !== undefined && NOT_OURS.has(code)) return;
      if (code === GONE) return comeBack(settling, held, settlement);
      if (settling.isOver()) throw error;
    }
    await wait(pause);
  }
}

async function tell(
  { queue, wake }: Settling,
  { job, token }: HeldJob,
  settlement: Settlement,
): Promise<void> {
  const backend = queue.getBackend();
  const id = job.id!;
  if (settlement.kind === 'done') {
    await backend.moveToCompleted(job, 'null', true, token, false);
    return;
  }
  if (settlement.kind === 'refused') {
    await backend.moveToFailed(job, settlement.why, { count: 1000 }, token, false);
    return;
  }
  if (settlement.kind === 'later') {
    const skipAttempt = { skipAttempt: true };
    await backend.moveToDelayed(id, Date.now(), settlement.delay, token, skipAttempt);
    return;
  }
  await backend.moveJobFromActiveToWait(id, token);
  await wake();
}

/** A queue that lost its data has lost the job too: what is due again is put into it afresh. */
async function comeBack(settling: Settling, held: HeldJob, settlement: Settlement): Promise<void> {
  if (settlement.kind === 'back') return settling.again(held, 0);
  if (settlement.kind === 'later') return settling.again(held, settlement.delay);
}

export function codeOf(error: unknown): number | undefined {
  const code = (error as { code?: unknown } | undefined)?.code;
  return typeof code === 'number' ? code : undefined;
}
