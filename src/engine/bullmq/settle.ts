import { setTimeout as wait } from 'node:timers/promises';
import type { JobJson, MinimalJob, Queue } from 'bullmq';
import type { HeldJob } from './held-jobs.js';

/** How BullMQ says that a delivery is no longer the one that counts: the job is gone, or with somebody else. */
const GONE = -1;
const NOT_OURS = new Set([-2, -3, -6]);
const FIRST_PAUSE = 100;

/** What becomes of a job that was fetched. */
export type Settlement =
  | { readonly kind: 'done' }
  | { readonly kind: 'refused'; readonly why: string }
  | { readonly kind: 'back' }
  | { readonly kind: 'later'; readonly delay: number };

/** What BullMQ gives with the end of a job, where it is asked to: the next one, of the same token. */
export type Next = readonly [data: JobJson, id: string];

export interface Settling {
  readonly queue: Queue;
  /** Whether the place of the job may be taken by the next one at once. */
  fetchesNext(): boolean;
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
): Promise<Next | undefined> {
  for (let pause = FIRST_PAUSE; ; pause = Math.min(2 * pause, 2_000)) {
    try {
      return await tell(settling, held, settlement, pause === FIRST_PAUSE);
    } catch (error) {
      const code = codeOf(error);
      if (code !== undefined && NOT_OURS.has(code)) return undefined;
      if (code === GONE) return comeBack(settling, held, settlement);
      if (settling.isOver()) throw error;
    }
    await wait(pause);
  }
}

/** @param isFirst A try that comes after another may find what that one has fetched: it fetches nothing. */
async function tell(
  { queue, wake, fetchesNext }: Settling,
  { job: delivered, token }: HeldJob,
  settlement: Settlement,
  isFirst: boolean,
): Promise<Next | undefined> {
  const backend = queue.getBackend();
  const id = delivered.id!;
  // Of all that a job has, BullMQ uses here what this one has, too.
  const job = delivered as unknown as MinimalJob;
  if (settlement.kind === 'done') {
    const fetches = isFirst && fetchesNext();
    return nextIn(await backend.moveToCompleted(job, 'null', true, token, fetches));
  }
  if (settlement.kind === 'refused') {
    await backend.moveToFailed(job, settlement.why, { count: 1000 }, token, false);
  } else if (settlement.kind === 'later') {
    const skipAttempt = { skipAttempt: true };
    await backend.moveToDelayed(id, Date.now(), settlement.delay, token, skipAttempt);
  } else {
    await backend.moveJobFromActiveToWait(id, token);
    await wake();
  }
  return undefined;
}

/** Where nothing waits, the place of the data is empty. */
function nextIn({ result }: { result: unknown }): Next | undefined {
  const [data, id] = Array.isArray(result) ? (result as [JobJson | null, string]) : [];
  return data && id ? [data, id] : undefined;
}

/** A queue that lost its data has lost the job too: what is due again is put into it afresh. */
async function comeBack(
  settling: Settling,
  held: HeldJob,
  settlement: Settlement,
): Promise<undefined> {
  if (settlement.kind === 'back') await settling.again(held, 0);
  if (settlement.kind === 'later') await settling.again(held, settlement.delay);
}

export function codeOf(error: unknown): number | undefined {
  const code = (error as { code?: unknown } | undefined)?.code;
  return typeof code === 'number' ? code : undefined;
}
