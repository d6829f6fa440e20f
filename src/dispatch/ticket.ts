import type { JobTicket } from '../engine/job-engine.js';
import { obstacleIn } from '../engine/crossing.js';
import { BackgroundOptionsError } from '../errors/setup.errors.js';
import { ArgumentsNotSerializableError } from '../errors/thread.errors.js';
import type { JobRecord } from '../job/job.js';
import type { JobDefinition, KeyOf } from '../registry/job-definition.js';
import { PendingCall } from '../run/pending-call.js';

type Stamped = Pick<JobRecord, 'id' | 'name' | 'createdAt'>;

const NO_RULES = { runAt: undefined, limit: undefined };

/** What the engine is to know of a call. @throws BackgroundOptionsError where its key cannot be told; ArgumentsNotSerializableError */
export function ticketOf(call: PendingCall, record: Stamped): JobTicket {
  const { definition, args, isRevivable } = call;
  const { id, name } = record;
  const { runAt, limit } = rulesOf(call, record);
  const { priority } = definition;
  if (!isRevivable) return { id, name, priority, runAt, limit, staysHere: true };
  const ticket = { id, name, priority, runAt, limit };
  if (!definition.unique) return ticket;
  return { ...ticket, uniqueKey: keyOf(definition, 'unique', definition.unique.key, args) };
}

/** The call itself, for an engine of this process alone. @throws as `ticketOf` does */
export function asTicket(call: PendingCall, record: Stamped): JobTicket {
  const { runAt, limit } = rulesOf(call, record);
  if (runAt !== undefined) call.runAt = runAt;
  if (limit) call.limit = limit;
  return call;
}

/** The same ticket for a job that is no longer to be refused. */
export function accepted(ticket: JobTicket): JobTicket {
  if (!(ticket instanceof PendingCall)) return { ...ticket, isAccepted: true };
  ticket.isAccepted = true;
  return ticket;
}

function rulesOf(
  { definition, args }: PendingCall,
  { createdAt }: Stamped,
): Pick<JobTicket, 'runAt' | 'limit'> {
  if (definition.thread) refuseUncrossable(definition.name, args);
  if (definition.delay <= 0 && !definition.concurrency) return NO_RULES;
  return {
    runAt: definition.delay > 0 ? createdAt + definition.delay : undefined,
    limit: definition.concurrency && limitOf(definition, args),
  };
}

/**
 * Jobs that were cut off more than once run one at a time: if one of them ends its process again and again, it shall not
 * take the others to their limit along with it.
 */
export function apartFromOthers(ticket: JobTicket, { stalled = 0 }: JobRecord): JobTicket {
  if (stalled < 2 || ticket.limit) return ticket;
  return { ...ticket, limit: { key: 'cut off more than once', jobs: 1 } };
}

/** The user's key of a call. @throws BackgroundOptionsError where it throws, or gives no text. */
export function keyOf(
  { name }: JobDefinition,
  option: 'concurrency' | 'unique',
  key: KeyOf,
  args: readonly unknown[],
): string {
  const given = callKey(name, option, key, args);
  // Never of two jobs the same, whatever they are named.
  if (typeof given === 'string') return JSON.stringify([name, given]);
  throw new BackgroundOptionsError(
    `${option}.key`,
    given,
    `Job ${name} was refused: its { ${option}: { key } } gave ${String(given)}. Let it return a text.`,
  );
}

function refuseUncrossable(name: string, args: readonly unknown[]): void {
  const obstacle = obstacleIn(args, 'arguments');
  if (obstacle) throw new ArgumentsNotSerializableError(name, obstacle.path, obstacle.reason);
}

function limitOf(definition: JobDefinition, args: readonly unknown[]): JobTicket['limit'] {
  const { limit, key } = definition.concurrency!;
  return {
    jobs: limit,
    key: key ? keyOf(definition, 'concurrency', key, args) : definition.name,
  };
}

function callKey(name: string, option: string, key: KeyOf, args: readonly unknown[]): unknown {
  try {
    return key(...(args as never[]));
  } catch (error) {
    throw new BackgroundOptionsError(
      `${option}.key`,
      key,
      `Job ${name} was refused: its { ${option}: { key } } threw. It must give a text for any arguments.`,
      { cause: error },
    );
  }
}
