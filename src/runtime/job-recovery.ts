import { AsyncResource } from 'node:async_hooks';
import type { Logger } from '@nestjs/common';
import type { DeliveryOutcome, JobTicket } from '../engine/job-engine.js';
import type { Dispatcher } from '../dispatch/dispatcher.js';
import { BackgroundError } from '../errors/background.error.js';
import { ContextNotCarriedError } from '../errors/context.errors.js';
import { toFailure } from '../errors/failure.js';
import { JobInterruptedError } from '../errors/job.errors.js';
import type { Clock } from '../job/clock.js';
import type { JobRecord } from '../job/job.js';
import { isFinal } from '../job/state-machine.js';
import { restored, type ContextCarrier } from '../registry/context-carrier.js';
import { decodeCall } from '../registry/call-codec.js';
import type { JobRegistry, KnownJob } from '../registry/job-registry.js';
import type { JobTracker, Recovery } from '../tracker/job-tracker.js';

export interface RecoveryParts {
  readonly tracker: JobTracker;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly registry: JobRegistry;
  readonly dispatcher: Dispatcher;
  readonly context: ContextCarrier | undefined;
  /** How often in a row a job may be cut off, and run again. */
  readonly maxStalledCount: number;
}

/** Before a job is looked up again whose tracker was away, in ms. */
const LOOK_AGAIN = 1_000;

/** Finds the instance of a class in the application. */
export type InstanceFinder = (owner: Function) => Promise<unknown>;

/** Runs jobs again that a process left unfinished. */
export class JobRecovery implements Recovery {
  // Jobs run in the context that the application was made in, not in that of whoever happened to set a timer.
  readonly #context = new AsyncResource('BackgroundRecovery');
  readonly #logged = new Set<string>();
  #instanceOf!: InstanceFinder;
  #begin!: () => void;
  readonly #begun = new Promise<void>((resolve) => (this.#begin = resolve));

  constructor(private readonly parts: RecoveryParts) {}

  /** The application is ready to run jobs. */
  begin(instanceOf: InstanceFinder): void {
    this.#instanceOf = instanceOf;
    this.#begin();
  }

  knows(name: string): boolean {
    return this.parts.registry.resolve(name) !== undefined;
  }

  leaveAlone(names: readonly string[]): void {
    const news = names.filter((name) => !this.#logged.has(name));
    if (news.length === 0) return;
    news.forEach((name) => this.#logged.add(name));
    this.parts.logger.warn(
      `There are unfinished jobs that this application has no method for: ${news.join(', ')}. They stay where they ` +
        `are. Where a method was renamed, give it the old name: @Background({ name: '${news[0]}' }).`,
    );
  }

  /**
   * Takes on a job that another process called. Gives what is to be told to the engine where there is nothing to run:
   * it is over, runs already, or is not known here.
   */
  async adopt({ id }: JobTicket): Promise<DeliveryOutcome | undefined> {
    const { tracker, clock } = this.parts;
    await this.#begun;
    try {
      const record = await tracker.find(id);
      return await this.#adoptRecord(id, record);
    } catch (error) {
      this.parts.logger.warn(`Job ${id} could not be looked up: ${toFailure(error).message}`);
      return { again: { runAt: clock.now() + LOOK_AGAIN } };
    }
  }

  async #adoptRecord(
    id: string,
    record: JobRecord | undefined,
  ): Promise<DeliveryOutcome | undefined> {
    if (!record) return this.#ignore(id);
    // One that runs is its process's. Should that be no more, the tracker finds it, and it is delivered again.
    if (isFinal(record.state) || record.state === 'running') return {};
    const known = this.parts.registry.resolve(record.name);
    if (!known) return this.#park(record.name);
    if (record.call === undefined) return {};
    const ready = await this.#prepare(record, record.call, known, 'adopt');
    if (!ready) return {};
    await this.#context.runInAsyncScope(ready);
    return undefined;
  }

  #ignore(id: string): DeliveryOutcome {
    this.parts.logger.warn(
      `Job ${id} was delivered, but no record of it is kept: it was not run. Its retention is over, or it was put ` +
        'into the queue by an application that does not share the tracker of this one.',
    );
    return {};
  }

  #park(name: string): DeliveryOutcome {
    this.leaveAlone([name]);
    return { unknown: true };
  }

  async revive(record: JobRecord): Promise<void> {
    await this.#begun;
    const known = this.parts.registry.resolve(record.name);
    if (record.call === undefined || !known) return this.#fail(record, lost(record));
    if ((record.stalled ?? 0) > this.parts.maxStalledCount)
      return this.#fail(record, stalled(record));
    const ready = await this.#prepare(record, record.call, known, 'revive');
    if (ready) await this.#context.runInAsyncScope(ready);
  }

  /**
   * Runs a job again that has failed or was cancelled, wherever it ran. False where it is not kept as one that can be.
   */
  async retry(id: string): Promise<boolean> {
    const { tracker, clock } = this.parts;
    const found = tracker.durable ? await tracker.find(id) : undefined;
    if (found?.call === undefined || !this.knows(found.name)) return false;
    const record = await tracker.change(id, { type: 'retry', at: clock.now() });
    if (!record) return false;
    try {
      // At once: whoever asks for it now does not ask for its delay.
      await this.revive({ ...record, runAt: undefined });
    } catch (error) {
      await this.#fail(record, error as Error);
      throw error;
    }
    return true;
  }

  /** A job that cannot be run again has failed, for good. */
  async #prepare(
    record: JobRecord,
    stored: string,
    { owner, definition }: KnownJob,
    how: 'revive' | 'adopt',
  ): Promise<(() => Promise<void>) | undefined> {
    const { tracker, dispatcher } = this.parts;
    try {
      const { args, rules, context } = decodeCall(stored);
      const target = await this.#instanceOf(owner);
      const printed = await tracker.output(record.id, 0);
      const own = { ...definition, ...rules };
      const job = { definition: own, target, args, record, printed };
      const begin = (): Promise<void> => dispatcher.revival[how](job);
      return () => this.#inContext(record, context, begin);
    } catch (error) {
      await this.#fail(record, unreadable(record, error));
      return undefined;
    }
  }

  async #inContext(
    record: JobRecord,
    values: object | undefined,
    begin: () => Promise<void>,
  ): Promise<void> {
    try {
      await restored(this.parts.context, record.name, values, begin);
    } catch (error) {
      if (!(error instanceof ContextNotCarriedError)) throw error;
      await this.#fail(record, unreadable(record, error));
    }
  }

  async #fail({ id }: JobRecord, error: Error): Promise<void> {
    const { tracker, clock, logger } = this.parts;
    await tracker.change(id, { type: 'fail', at: clock.now(), error: toFailure(error) });
    logger.error(error.message);
  }
}

function lost({ id, name, attempt }: JobRecord): Error {
  const when = attempt > 0 ? 'before it was done' : 'before it began';
  return new JobInterruptedError(id, name, when, 'lost');
}

function stalled({ id, name }: JobRecord): Error {
  return new JobInterruptedError(id, name, 'before it was done', 'stalled');
}

function unreadable({ id, name }: JobRecord, cause: unknown): Error {
  const { message } = toFailure(cause);
  return new BackgroundError(`Job ${name} (${id}) could not be run again: ${message}`, { cause });
}
