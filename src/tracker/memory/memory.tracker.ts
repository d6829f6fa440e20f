import type { JobActivity, JobOrigin, JobProgress, JobRecord, JobState } from '../../job/job.js';
import { joinedBy } from '../../job/origin.js';
import type { MaybePromise } from '../../job/maybe-promise.js';
import { isFinal, type JobChange } from '../../job/state-machine.js';
import type { OutputAppend, OutputPage } from '../../output/output-chunk.js';
import type { JobKeeper } from '../job-keeper.js';
import type { JobQuery, JobTracker, TrackerSettings } from '../job-tracker.js';
import { Channel } from './channel.js';
import { Beside, type MemoryJob } from './kept-job.js';
import { RetentionLine } from './retention-line.js';
import { JobShelf } from './shelf.js';

/** Keeps everything in this process, and loses it with the process. The default. */
export function memoryTracker(): JobTracker {
  return new MemoryTracker();
}

const NOTHING_PRINTED: OutputPage = { chunks: [], gap: undefined, last: 0 };

/** The tracker itself, for one that adds to it. */
export class MemoryTracker implements JobTracker {
  readonly #jobs = new JobShelf((job, change) => this.#changed(job, change));
  #retained!: RetentionLine<MemoryJob>;

  /** What keeps the jobs of a tracker, where nothing was put in front of its methods that would not hear of them. */
  static keeperOf(tracker: JobTracker): JobKeeper | undefined {
    if (!(#jobs in tracker) || Object.keys(tracker).length > 0) return undefined;
    return Object.getPrototypeOf(tracker) === MemoryTracker.prototype ? tracker.#jobs : undefined;
  }

  open({ clock, retention }: TrackerSettings): void {
    this.#retained = new RetentionLine(clock, retention, (job) => this.#purge(job));
  }

  create(record: JobRecord): void {
    this.#jobs.of(record).keep();
  }

  forget(id: string): void {
    const job = this.#jobs.find(id);
    if (!job) return;
    this.#jobs.remove(job);
    job.wakeWatchers();
  }

  change(id: string, change: JobChange, attempt?: number): JobRecord | undefined {
    return this.#jobs.find(id)?.change(change, attempt)?.record;
  }

  setProgress(id: string, attempt: number, progress: JobProgress): void {
    this.#report(id, attempt, (job) => (job.progress = progress));
  }

  setActivity(id: string, attempt: number, activity: JobActivity): void {
    this.#report(id, attempt, (job) => (job.activity = activity));
  }

  append(id: string, output: OutputAppend, attempt?: number): void {
    const job = this.#jobs.find(id);
    if (!job || (attempt !== undefined && job.attempt !== attempt)) return;
    const beside = (job.beside ??= new Beside());
    beside.channel ??= new Channel();
    beside.channel.append(output);
    job.wakeWatchers();
  }

  share(id: string, origin: JobOrigin): void {
    const job = this.#jobs.find(id);
    if (!job) return;
    job.origin = joinedBy(job.origin, origin);
    job.hasChanged();
  }

  find(id: string): JobRecord | undefined {
    return this.#jobs.find(id)?.record;
  }

  list({ state, name, parentId, limit = 100, before }: JobQuery): JobRecord[] {
    const found: JobRecord[] = [];
    for (const job of this.#jobsOf(parentId)) {
      if (found.length >= limit) break;
      if (state && job.state !== state) continue;
      if (name && job.name !== name) continue;
      if (!before || job.id < before) found.push(job.record);
    }
    return found;
  }

  counts(): Record<JobState, number> {
    const counts = { scheduled: 0, queued: 0, running: 0, completed: 0, failed: 0, cancelled: 0 };
    for (const { state } of this.#jobs.newestFirst()) counts[state] += 1;
    return counts;
  }

  output(id: string, after: number): OutputPage | undefined {
    const job = this.#jobs.find(id);
    if (!job) return undefined;
    return job.beside?.channel?.after(after) ?? { ...NOTHING_PRINTED, last: after };
  }

  watch(id: string, wake: () => void): () => void {
    const job = this.#jobs.find(id);
    if (!job) return () => {};
    const beside = (job.beside ??= new Beside());
    (beside.watchers ??= new Set()).add(wake);
    return () => {
      beside.watchers?.delete(wake);
      if (beside.isDue) this.#purge(job);
    };
  }

  close(): MaybePromise<void> {
    this.#retained.close();
  }

  #report(id: string, attempt: number, note: (job: MemoryJob) => void): void {
    const job = this.#jobs.find(id);
    if (!job?.isRunning(attempt)) return;
    note(job);
    job.hasChanged();
  }

  /** The newest first. */
  #jobsOf(parentId: string | undefined): Iterable<MemoryJob> {
    if (!parentId) return this.#jobs.newestFirst();
    const children = this.#jobs.find(parentId)?.beside?.children ?? [];
    return children.filter(({ isKept }) => isKept).reverse();
  }

  /** Whoever follows the job gets to its end, even where nothing is kept of it. */
  #purge(job: MemoryJob): void {
    const { beside } = job;
    const isDue = isFinal(job.state);
    if (beside) beside.isDue = isDue;
    if (isDue && !beside?.watchers?.size) this.#jobs.remove(job);
  }

  #changed(job: MemoryJob, change: JobChange): void {
    if (change.type === 'retry') this.#retained.take(job);
    if (isFinal(job.state)) this.#retained.add(job);
  }
}

/** What keeps the jobs of a tracker by the objects that stand for them, if it does. */
export function keeperOf(tracker: JobTracker): JobKeeper | undefined {
  return MemoryTracker.keeperOf(tracker);
}
