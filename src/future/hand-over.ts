import type { WaitNode } from './wait-graph.js';

/** On what may be passed as an argument before its value is there. */
export const HAND_OVER = Symbol('nestjs-background:hand-over');

/** A value to come, as an argument of a job that starts when it is there. */
export interface Pipelined {
  /** The value, for the job that waits for it in place of its caller. */
  [HAND_OVER](receiver: WaitNode): Promise<unknown>;
}

export function isPipelined(value: unknown): value is Pipelined {
  if (value === null || (typeof value !== 'object' && typeof value !== 'function')) return false;
  return HAND_OVER in value;
}
