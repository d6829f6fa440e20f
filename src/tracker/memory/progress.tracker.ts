import { Logger } from '@nestjs/common';
import { show } from '../../errors/check-options.js';
import { toFailure } from '../../errors/failure.js';
import { BackgroundOptionsError } from '../../errors/setup.errors.js';
import type { JobProgress, JobRecord } from '../../job/job.js';
import { isFinal, type JobChange } from '../../job/state-machine.js';
import type { JobTracker } from '../job-tracker.js';
import { FourMethods, type ProgressTracker } from './four-methods.js';
import { MemoryTracker } from './memory.tracker.js';

const METHODS = ['track', 'remove', 'setProgress', 'getProgress'] as const;

/**
 * Tells a progress tracker of your own of every job: `track` when it is there, `setProgress` for each report, `remove`
 * when it is over, one after the other for each job. What else there is to a job is kept in memory. `getProgress` of
 * the service asks it for jobs of other processes. Where its methods throw or do not answer, that is logged once for
 * each method, and no job notices. (asyncjob's custom progress trackers.)
 * @throws BackgroundOptionsError that names the missing method.
 * @example
 * ```ts
 * BackgroundModule.forRoot({
 *   tracker: fromProgressTracker({
 *     track: (id) => store.set(id, [-1, null]),
 *     setProgress: (id, value, data) => store.set(id, [value, data]),
 *     getProgress: (id) => store.get(id) ?? null,
 *     remove: (id) => store.delete(id),
 *   }),
 * });
 * ```
 */
export function fromProgressTracker(tracker: ProgressTracker): JobTracker {
  const given = tracker as Partial<ProgressTracker> | undefined;
  const missing = METHODS.find((method) => typeof given?.[method] !== 'function');
  if (!missing) return new ProgressTrackerInFront(tracker);
  throw new BackgroundOptionsError(
    missing,
    given?.[missing],
    `fromProgressTracker() was given ${show(tracker)}, which has no method ${missing}(). ` +
      `Give it an object with the methods ${METHODS.join(', ')}.`,
  );
}

class ProgressTrackerInFront extends MemoryTracker {
  readonly #logger = new Logger('Background');
  readonly #logged = new Set<string>();
  readonly #methods: FourMethods;

  constructor(tracker: ProgressTracker) {
    super();
    this.#methods = new FourMethods(tracker, (method, error) => this.#logOnce(method, error));
  }

  override create(record: JobRecord): void {
    super.create(record);
    this.#methods.tell(record.id, 'track');
  }

  override forget(id: string): void {
    if (this.find(id)) this.#methods.tell(id, 'remove');
    super.forget(id);
  }

  override change(id: string, change: JobChange, attempt?: number): JobRecord | undefined {
    const changed = super.change(id, change, attempt);
    if (changed && isFinal(changed.state)) this.#methods.tell(id, 'remove');
    if (changed && change.type === 'retry') this.#methods.tell(id, 'track');
    return changed;
  }

  override setProgress(id: string, attempt: number, progress: JobProgress): void {
    super.setProgress(id, attempt, progress);
    // Not where it came too late to count.
    const isTaken = this.find(id)?.progress === progress;
    if (isTaken) this.#methods.tell(id, 'setProgress', progress.value, progress.data);
  }

  progressElsewhere(id: string): Promise<[number, unknown] | null> {
    return this.#methods.ask(id);
  }

  override async close(): Promise<void> {
    await super.close();
    await this.#methods.settled();
  }

  #logOnce(method: keyof ProgressTracker, error: unknown): void {
    if (this.#logged.has(method)) return;
    this.#logged.add(method);
    const { message, stack } = toFailure(error);
    this.#logger.error(
      `${method}() of the progress tracker failed: ${message}. Jobs go on without it; this is not logged again.`,
      stack,
    );
  }
}
