import type { JobOrigin } from './job.js';

/** Of a job that no route has started. */
const NOWHERE: JobOrigin = { route: '' };
/** So many are remembered of those that ask for one job. */
const MOST = 1_000;

/** How a job stands to who asks for it over HTTP. */
export type Access = 'started' | 'joined' | 'none';

export function accessTo(origin: JobOrigin | undefined, asking: JobOrigin): Access {
  if (!origin) return 'none';
  if (isSame(origin, asking)) return 'started';
  return origin.also?.some((other) => isSame(other, asking)) ? 'joined' : 'none';
}

/** The origin of a job that was asked for elsewhere too; the very same where it was asked for there before. */
export function joinedBy(origin: JobOrigin | undefined, asking: JobOrigin): JobOrigin {
  if (origin && accessTo(origin, asking) !== 'none') return origin;
  const { also = [], ...first } = origin ?? NOWHERE;
  return { ...first, also: [...also, asking].slice(-MOST) };
}

function isSame(one: JobOrigin, other: JobOrigin): boolean {
  return one.route === other.route && one.owner === other.owner;
}
