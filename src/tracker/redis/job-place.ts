import type { JobRecord, JobState } from '../../job/job.js';
import { isFinal } from '../../job/state-machine.js';

/** Where a job is in the indexes: [rev, state, name, parent, owner, has a call]. */
export type Place = readonly [number, JobState, string, string, string, 0 | 1];

/** A job that is created or changed, as the indexes know it. */
export interface Move {
  readonly id: string;
  /** `undefined` of a job that is created. */
  readonly before: Place | undefined;
  readonly after: Place;
  /** When it ended, if it is over; in ms since 1970. */
  readonly end: number | undefined;
}

export function placeOf(
  { state, name, parentId = '', call }: JobRecord,
  rev: number,
  owner: string | undefined,
): Place {
  return [rev, state, name, parentId, owner ?? '', call === undefined ? 0 : 1];
}

/** When a job ended that is over. */
export function endOf({ state, finishedAt = 0 }: JobRecord): number | undefined {
  return isFinal(state) ? finishedAt : undefined;
}
