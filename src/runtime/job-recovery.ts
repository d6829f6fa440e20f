import { AsyncResource } from 'node:async_hooks';
import type { Logger } from '@nestjs/common';
import type { Dispatcher } from '../dispatch/dispatcher.js';
import { BackgroundError } from '../errors/background.error.js';
import { toFailure } from '../errors/failure.js';
import { JobInterruptedError } from '../errors/job.errors.js';
import type { Clock } from '../job/clock.js';
import type { JobRecord } from '../job/job.js';
import { decodeCall } from '../registry/call-codec.js';
import type { JobRegistry, KnownJob } from '../registry/job-registry.js';
import type { JobTracker, Recovery } from '../tracker/job-tracker.js';

export interface RecoveryParts {
  readonly tracker: JobTracker;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly registry: JobRegistry;
  readonly dispatcher: Dispatcher;
}

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

  async revive(record: JobRecord): Promise<void> {
    await this.#begun;
    const known = this.parts.registry.resolve(record.name);
    if (record.call === undefined || !known) return this.#fail(record, lost(record));
    const ready = await this.#prepare(record, record.call, known);
    if (ready) await this.#context.runInAsyncScope(ready);
  }

  /** A job that cannot be run again has failed, for good. */
  async #prepare(
    record: JobRecord,
    stored: string,
    { owner, definition }: KnownJob,
  ): Promise<(() => Promise<void>) | undefined> {
    const { tracker, dispatcher } = this.parts;
    try {
      const { args, rules } = decodeCall(stored);
      const target = await this.#instanceOf(owner);
      const printed = record.attempt > 0 ? await tracker.output(record.id, 0) : undefined;
      const own = { ...definition, ...rules };
      return () => dispatcher.revive(own, target, args, record, printed);
    } catch (error) {
      await this.#fail(record, unreadable(record, error));
      return undefined;
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

function unreadable({ id, name }: JobRecord, cause: unknown): Error {
  const { message } = toFailure(cause);
  return new BackgroundError(`Job ${name} (${id}) could not be run again: ${message}`, { cause });
}
