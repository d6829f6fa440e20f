import type { Scope } from '../context/scope.js';
import { JobCancelledError } from '../errors/job.errors.js';
import { isPipelined } from '../future/hand-over.js';
import type { Clock } from '../job/clock.js';
import type { JobRecord } from '../job/job.js';
import { encodeCall } from '../registry/call-codec.js';
import { captured, type ContextCarrier } from '../registry/context-carrier.js';
import type { JobDefinition } from '../registry/job-definition.js';
import type { JobRegistry } from '../registry/job-registry.js';
import type { PendingCall } from '../run/pending-call.js';
import type { KeptJob } from '../tracker/job-keeper.js';
import type { JobTracker } from '../tracker/job-tracker.js';

/** What is known of a job that is new. */
export type NewRecord = Pick<JobRecord, 'id' | 'name' | 'createdAt' | 'origin'>;

export function rolledBack({ id, name }: NewRecord): JobCancelledError {
  return new JobCancelledError(id, name, 'the transaction that it was called in was rolled back');
}

/** Whether there are futures among its arguments. */
export function waitsForArguments({ args }: PendingCall): boolean {
  return args.length > 0 && args.some(isPipelined);
}

/** The record of a call, as it is stored first. */
export function recordOf(call: PendingCall, scope: Scope | undefined, clock: Clock): NewRecord {
  if (!call.kept) return newRecord(call, scope, clock.now());
  describe(call.kept, call, scope);
  return call.kept;
}

/** The same where the job is kept by the object that the call has. */
function describe(job: KeptJob, call: PendingCall, scope: Scope | undefined): void {
  const { delay } = call.definition;
  if (scope?.kind === 'job') job.parentId = scope.context.id;
  if (scope?.kind === 'start') job.origin = scope.origin;
  if (delay > 0 || waitsForArguments(call)) job.state = 'scheduled';
  if (delay > 0) job.runAt = job.createdAt + delay;
}

function newRecord(call: PendingCall, scope: Scope | undefined, now: number): JobRecord {
  return {
    id: call.id,
    name: call.definition.name,
    createdAt: now,
    parentId: scope?.kind === 'job' ? scope.context.id : undefined,
    origin: scope?.kind === 'start' ? scope.origin : undefined,
    state: call.definition.delay > 0 || waitsForArguments(call) ? 'scheduled' : 'queued',
    runAt: call.definition.delay > 0 ? now + call.definition.delay : undefined,
    attempt: 0,
    startedAt: undefined,
    finishedAt: undefined,
    progress: null,
    result: undefined,
    error: undefined,
  };
}

export interface StoringParts {
  readonly tracker: JobTracker;
  readonly registry: JobRegistry;
  /** Carries what surrounds a call to another process. */
  readonly context: ContextCarrier | undefined;
}

/** Whether a call is stored in such a way that it can be run again from there; with a future among its arguments it is not. */
export function isRevivable(
  { tracker, registry }: StoringParts,
  definition: JobDefinition,
  args: readonly unknown[],
): boolean {
  if (!tracker.durable || args.some(isPipelined)) return false;
  return registry.ownDefinition(definition) !== undefined;
}

/** The record with what it takes to run it again. @throws ArgumentsNotSerializableError; ContextNotCarriedError */
export function withCall(
  { registry, context }: StoringParts,
  record: JobRecord,
  { definition, args, isRevivable }: PendingCall,
): JobRecord {
  const own = isRevivable && registry.ownDefinition(definition);
  if (!own) return record;
  const surrounding = captured(context, definition.name);
  return { ...record, call: encodeCall(definition, own, args, surrounding) };
}
