import type { Job, JobJson } from 'bullmq';
import { isJobId } from '../../job/job-id.js';
import type { JobTicket } from '../job-engine.js';

/**
 * What is put into the queue: no arguments, no class, no path. What is to be run stands in the record of the job, which
 * the tracker keeps; whoever writes into the queue can have nothing run that was not called.
 */
export interface Message {
  readonly limit?: { readonly key: string; readonly jobs: number };
}

/** BullMQ counts from 1, the highest, to below 2²¹; ours count upwards from any number below 0. */
const MIDDLE = 2 ** 20;
const LOWEST = 2 ** 21 - 1;
/** Before all that was given any priority. */
export const FIRST = 1;

export function bullPriority(priority: number): number {
  return Math.min(LOWEST, Math.max(FIRST + 1, MIDDLE - Math.round(priority)));
}

export function messageOf({ limit }: JobTicket): Message {
  return limit ? { limit } : {};
}

/** What is used of a job of BullMQ, which comes with the end of another without being made one of its class. */
export type Delivered = Pick<Job, 'id' | 'name' | 'data' | 'opts' | 'priority' | 'attemptsStarted'>;

export function deliveredOf(json: JobJson, id: string): Delivered {
  const { name, opts, priority, attemptsStarted } = json;
  const data: unknown = JSON.parse(json.data || '{}');
  return { id, name, data, opts, priority: priority ?? 0, attemptsStarted: attemptsStarted ?? 0 };
}

/** The ticket that a message stands for; `undefined` where it is none of ours, whatever it looks like. */
export function readMessage({ id, name, data, priority }: Delivered): JobTicket | undefined {
  if (!isJobId(id) || typeof name !== 'string') return undefined;
  const limit = readLimit((data as Message | null)?.limit);
  if (limit === 'forged') return undefined;
  return { id, name, priority: MIDDLE - (priority ?? MIDDLE), runAt: undefined, limit };
}

function readLimit(limit: unknown): JobTicket['limit'] | 'forged' {
  if (limit === undefined) return undefined;
  const { key, jobs } = (limit ?? {}) as { key?: unknown; jobs?: unknown };
  const isRight = typeof key === 'string' && Number.isSafeInteger(jobs) && (jobs as number) > 0;
  return isRight ? { key, jobs: jobs as number } : 'forged';
}
