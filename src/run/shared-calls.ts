import type { JobRecord } from '../job/job.js';
import { BackgroundError } from '../errors/background.error.js';
import { toError } from '../errors/failure.js';
import { JobCancelledError, JobInterruptedError, JobNotFoundError } from '../errors/job.errors.js';
import { reviveError } from '../errors/revive-error.js';
import { isFinal } from '../job/state-machine.js';
import type { JobStanding } from '../tracker/job-tracker.js';
import type { PendingCall } from './pending-call.js';
import type { RunnerSettings } from './runner-settings.js';

/** Between two looks at a job of which there is news, in ms: most news are what it prints itself. */
const PACE = 500;
/** The same for a job that waits: most news are what another process did. */
const PACE_OF_WAITING = 20;
/** How many calls that wait are watched at most: the others are told when their turn comes. */
const MOST = 1_000;

/** Watches the calls of this process for what others do to them, where the tracker is shared with others. */
export class SharedCalls {
  readonly #watched = new Map<PendingCall, () => void>();
  /** Of which there is news, and when to look at them. */
  readonly #due = new Map<PendingCall, number>();
  #timer: { readonly at: number; readonly stop: () => void } | undefined;

  constructor(
    private readonly settings: RunnerSettings,
    private readonly runner: { endedElsewhere(call: PendingCall, record: JobRecord): void },
  ) {}

  /** @param isRunning However many are watched: its end must not wait for its code. */
  watch(call: PendingCall, isRunning = false): void {
    const { tracker, engine } = this.settings;
    if (!tracker.shared || this.#watched.has(call)) return;
    // Where jobs are delivered elsewhere, that is where their end comes from.
    if (isRunning || engine.distributed || this.#watched.size < MOST)
      this.#watched.set(call, this.#begin(call));
  }

  leave(call: PendingCall): void {
    this.#watched.get(call)?.();
    this.#watched.delete(call);
    this.#due.delete(call);
  }

  #begin(call: PendingCall): () => void {
    return this.settings.tracker.watch(call.id, (standing) => {
      if (this.#due.has(call) || (standing && isAsExpected(call, standing))) return;
      const at = this.settings.clock.now() + (call.attempt ? PACE : PACE_OF_WAITING);
      this.#due.set(call, at);
      this.#wakeAt(at);
    });
  }

  /** One timer for all: most jobs are over before it is their turn. */
  #wakeAt(at: number): void {
    if (this.#timer && this.#timer.at <= at) return;
    this.#timer?.stop();
    const { clock } = this.settings;
    const wait = Math.max(0, at - clock.now());
    this.#timer = { at, stop: clock.after(wait, () => this.#lookAtDue()) };
  }

  #lookAtDue(): void {
    this.#timer = undefined;
    const now = this.settings.clock.now();
    for (const [call, at] of this.#due) {
      if (at > now) continue;
      this.#due.delete(call);
      void this.#look(call);
    }
    if (this.#due.size > 0) this.#wakeAt(Math.min(...this.#due.values()));
  }

  async #look(call: PendingCall): Promise<void> {
    const { attempt } = call;
    const number = attempt?.number;
    try {
      const record = await this.settings.tracker.find(call.id);
      // What was looked up before an attempt began says nothing of that attempt.
      const isOfNow = call.attempt === attempt && attempt?.number === number;
      if (record && isOfNow && this.#watched.has(call)) this.#found(call, record);
    } catch {
      // A tracker that is away tells the next time; whoever needs it now reports that.
    }
  }

  /** Another process has cancelled the call, or runs it now. */
  #found(call: PendingCall, record: JobRecord): void {
    const { attempt } = call;
    if (attempt?.number) {
      const reason = reasonToStop(record, attempt.number);
      if (reason) attempt.interrupt(reason);
      return;
    }
    // One that is about to begin is told by its start.
    if (attempt || call.end || !isFinal(record.state)) return;
    if (record.state === 'cancelled' || this.settings.engine.distributed) this.#drop(call, record);
  }

  #drop(call: PendingCall, record: JobRecord): void {
    const { reporter, engine } = this.settings;
    this.runner.endedElsewhere(call, record);
    void reporter.unharmed(call, 'take it out of the queue', () => engine.discard(call.id));
  }
}

/** Whether nobody has done anything to a call that this process does not know of. */
function isAsExpected({ attempt }: PendingCall, standing: JobStanding): boolean {
  if (!attempt?.number) return !isFinal(standing.state);
  return standing.state === 'running' && standing.attempt === attempt.number;
}

/** What the future of a job is told that another process has kept from starting here. */
export function whyNotStarted(
  { id, definition }: PendingCall,
  record: JobRecord | undefined,
): Error {
  if (record?.state === 'cancelled') return cancelledElsewhere(record);
  if (!record || isFinal(record.state)) return new JobNotFoundError(id);
  return new JobInterruptedError(id, definition.name, 'before it began', 'taken over');
}

/** Why an attempt of this process must stop, as its record says; `undefined` where it may go on. */
function reasonToStop(record: JobRecord, attempt: number): Error | undefined {
  const { id, name, state } = record;
  if (state === 'cancelled') return cancelledElsewhere(record);
  const isTakenOver = record.attempt > attempt || state === 'queued' || state === 'failed';
  if (!isTakenOver) return undefined;
  return new JobInterruptedError(id, name, 'before it was done', 'taken over');
}

/** What the future of a job is told that has ended in another process without a result. */
export function errorOf(record: JobRecord): Error {
  if (record.state === 'cancelled') return cancelledElsewhere(record);
  const { id, name, error = { name: 'Error', message: 'It is not known why.' } } = record;
  const kept = reviveError(toError(error));
  return kept instanceof BackgroundError ? Object.assign(kept, { jobId: id, jobName: name }) : kept;
}

/** What the future of a job is told that another process has cancelled. */
export function cancelledElsewhere({ id, name, error }: JobRecord): Error {
  const kept = error && reviveError(toError(error));
  if (!(kept instanceof JobCancelledError)) return new JobCancelledError(id, name);
  return Object.assign(kept, { jobId: id, jobName: name });
}
