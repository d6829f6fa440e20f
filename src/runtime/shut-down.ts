import { toFailure } from '../errors/failure.js';
import { JobInterruptedError } from '../errors/job.errors.js';
import type { Dispatcher } from '../dispatch/dispatcher.js';
import type { Clock } from '../job/clock.js';
import type { JobRunner } from '../run/job-runner.js';
import type { PendingCall } from '../run/pending-call.js';
import type { RuntimeSettings } from './runtime-options.js';

export interface ShutdownParts {
  readonly dispatcher: Dispatcher;
  readonly runner: JobRunner;
  readonly settings: RuntimeSettings;
}

/** Takes no more jobs, gives the running ones their grace, interrupts the rest, and frees everything. */
export async function shutDown(parts: ShutdownParts): Promise<void> {
  const { dispatcher, runner, settings } = parts;
  dispatcher.close();
  await settings.engine.pause();
  const calls = runner.pendingCalls();
  await Promise.all(calls.filter((call) => !call.attempt).map((call) => giveUp(parts, call)));
  await within(settings.clock, settings.grace, runner.idle());
  for (const call of runner.pendingCalls()) call.attempt?.interrupt(interruption(call, 'done'));
  await runner.idle();
  await settings.engine.close();
  await settings.tracker.close();
}

/** A job that has not begun will not: nobody shall wait for it. */
async function giveUp({ runner, settings }: ShutdownParts, call: PendingCall): Promise<void> {
  const { tracker, engine, clock } = settings;
  const error = interruption(call, 'begun');
  // One that can be revived stays as it is: closing the tracker hands it back.
  if (!call.isRevivable) {
    await tracker.change(call.id, { type: 'fail', at: clock.now(), error: toFailure(error) });
  }
  await engine.discard(call.id);
  runner.drop(call, error);
}

function interruption(
  { id, definition, isRevivable }: PendingCall,
  before: 'begun' | 'done',
): Error {
  const when = before === 'begun' ? 'before it began' : 'before it was done';
  const fate = isRevivable ? 'handed back' : 'given up';
  return new JobInterruptedError(id, definition.name, when, fate);
}

/** Waits for the work, but no longer than `limit` ms. */
export async function within(clock: Clock, limit: number, work: Promise<void>): Promise<void> {
  let stop = (): void => {};
  const limited = new Promise<void>((resolve) => (stop = clock.after(limit, resolve, true)));
  await Promise.race([work, limited]);
  stop();
}
