import { toFailure } from '../errors/failure.js';
import { JobInterruptedError } from '../errors/job.errors.js';
import type { Dispatcher } from '../dispatch/dispatcher.js';
import type { Clock } from '../job/clock.js';
import type { JobReporter } from '../run/job-reporter.js';
import type { JobRunner } from '../run/job-runner.js';
import type { PendingCall } from '../run/pending-call.js';
import type { LiveReaders } from './live-readers.js';
import type { RuntimeSettings } from './runtime-options.js';

export interface ShutdownParts {
  readonly dispatcher: Dispatcher;
  readonly runner: JobRunner;
  readonly reporter: JobReporter;
  readonly settings: RuntimeSettings;
  readonly readers: LiveReaders;
}

/** Takes no more jobs, gives the running ones their grace, interrupts the rest, and frees everything. Never rejects. */
export async function shutDown(parts: ShutdownParts): Promise<void> {
  const { dispatcher, runner, reporter, settings } = parts;
  dispatcher.close();
  runner.close();
  await reporter.closing('pause the engine', () => settings.engine.pause());
  const calls = runner.pendingCalls();
  // Meanwhile the others go on: one that is still being stored may wait for the lock of one that runs.
  const waiting = calls.filter((call) => !call.attempt);
  const givingUp = Promise.all(waiting.map((call) => giveUp(parts, call)));
  await within(settings.clock, settings.grace, runner.idle());
  settings.tracker.hurry?.();
  runner.hurry();
  for (const call of runner.pendingCalls()) call.attempt?.interrupt(interruption(call, 'done'));
  await givingUp;
  reporter.handedBack(waiting.filter((call) => call.isRevivable).length);
  await runner.idle();
  // Now that the last state of each job is stored, and can still be read.
  await parts.readers.close();
  await reporter.closing('close the engine', () => settings.engine.close());
  runner.ended.close();
  await reporter.closing('end the threads', () => settings.threads?.close());
  await reporter.closing('close the tracker', () => settings.tracker.close());
}

/** A job that has not begun will not: nobody shall wait for it. */
async function giveUp(
  { runner, reporter, settings }: ShutdownParts,
  call: PendingCall,
): Promise<void> {
  const { tracker, engine, clock } = settings;
  const error = interruption(call, 'begun');
  await call.accepting;
  call.end = error;
  const change = { type: 'fail', at: clock.now(), error: toFailure(error) } as const;
  // One that can be revived stays as it is: closing the tracker hands it back.
  if (!call.isRevivable) {
    await reporter.closing(`give up job ${call.id}`, () => tracker.change(call.id, change));
  }
  // In a queue that processes share it stays, for another one.
  if (!engine.distributed || !call.isRevivable) {
    await reporter.closing(`discard job ${call.id}`, () => engine.discard(call.id));
  }
  call.attempt?.interrupt(error);
  runner.drop(call, error);
  if (!call.isRevivable) reporter.failed(call, error);
}

function interruption(
  { id, definition, isRevivable }: PendingCall,
  before: 'begun' | 'done',
): Error {
  const when = before === 'begun' ? 'before it began' : 'before it was done';
  const fate = isRevivable ? 'handed back' : 'given up';
  return new JobInterruptedError(id, definition.name, when, fate);
}

/** Waits for the work, but no longer than `limit` ms. Tells whether it was done by then. */
export async function within(clock: Clock, limit: number, work: Promise<void>): Promise<boolean> {
  if (limit === 0) return false;
  let stop = (): void => {};
  const limited = new Promise<boolean>((resolve) => {
    stop = clock.after(limit, () => resolve(false), true);
  });
  const isDone = await Promise.race([work.then(() => true), limited]);
  stop();
  return isDone;
}
