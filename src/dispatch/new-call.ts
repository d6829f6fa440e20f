import { JobFuture, type FutureHost } from '../future/job-future.js';
import type { Clock } from '../job/clock.js';
import type { JobIds } from '../job/job-id.js';
import type { JobDefinition } from '../registry/job-definition.js';
import { PendingCall } from '../run/pending-call.js';
import type { JobKeeper } from '../tracker/job-keeper.js';
import { isRevivable, type StoringParts } from './new-record.js';

export interface CallParts extends StoringParts {
  readonly control: FutureHost;
  readonly clock: Clock;
  readonly keeper: JobKeeper | undefined;
}

/** A call with its future. Where its job is kept by an object, that stands for its id, which is made when it is read. */
export function newCall(
  parts: CallParts,
  ids: JobIds,
  definition: JobDefinition,
  target: unknown,
  args: readonly unknown[],
): PendingCall {
  const kept = parts.keeper?.draft(definition.name, parts.clock.now());
  const key = kept ?? { id: ids.next() };
  const future = JobFuture.of<unknown>(parts.control, key, definition.name);
  const isOurs = isRevivable(parts, definition, args);
  const call = new PendingCall(future, definition, target, args, isOurs);
  call.kept = kept;
  return call;
}
