import type { JobRecord } from '../../job/job.js';
import type { JobTracker } from '../../tracker/job-tracker.js';

/** A job that another one started, and what it started itself. */
export interface NestedJob {
  readonly record: JobRecord;
  readonly children: readonly NestedJob[];
}

/** More of them are counted, not shown. */
export const MOST_SHOWN = 50;
const DEEPEST = 3;

/** The jobs that a job has started, the first first. */
export async function childrenOf(tracker: JobTracker, parentId: string): Promise<JobRecord[]> {
  const records = await tracker.list({ parentId, limit: 1000 });
  // A tracker of the user's own may not know the filter.
  return records.filter((record) => record.parentId === parentId).reverse();
}

/** The same with what those have started, a few levels deep. */
export async function nestedJobs(
  children: (id: string) => Promise<JobRecord[]>,
  id: string,
  depth = DEEPEST,
): Promise<NestedJob[]> {
  if (depth === 0) return [];
  const records = await children(id);
  return Promise.all(
    records.map(async (record, index) => ({
      record,
      children: index < MOST_SHOWN ? await nestedJobs(children, record.id, depth - 1) : [],
    })),
  );
}
