import type { JobActivity, JobProgress } from '../job/job.js';
import type { OutputAppend } from '../output/output-chunk.js';
import { LiveJob, type LiveStore, type PendingOutput } from './live-job.js';

/** The jobs of this process whose output or progress is on its way to the store. */
export class LiveJobs<T = never> {
  readonly #jobs = new Map<string, LiveJob<T>>();

  constructor(private readonly store: LiveStore<T>) {}

  get ids(): string[] {
    return [...this.#jobs.keys()];
  }

  get(id: string): LiveJob<T> | undefined {
    return this.#jobs.get(id);
  }

  of(id: string): LiveJob<T> {
    let live = this.#jobs.get(id);
    if (!live) this.#jobs.set(id, (live = new LiveJob(id, this.store)));
    return live;
  }

  pending(id: string): PendingOutput | undefined {
    return this.#jobs.get(id)?.pending();
  }

  /** False where it comes too late to count. */
  report(id: string, attempt: number, progress: JobProgress): boolean {
    const live = this.#jobs.get(id);
    if (live?.attempt !== attempt) return false;
    live.report(progress);
    return true;
  }

  /** False where it comes too late to count. */
  note(id: string, attempt: number, activity: JobActivity): boolean {
    const live = this.#jobs.get(id);
    if (live?.attempt !== attempt) return false;
    live.note(activity);
    return true;
  }

  /** False where it comes too late to count. */
  append(id: string, output: OutputAppend, attempt = 0): boolean {
    // Output that comes before the first attempt heads what the job prints.
    const live = attempt === 0 ? this.of(id) : this.#jobs.get(id);
    if (live?.attempt !== attempt) return false;
    live.append(output);
    return true;
  }

  drop(id: string): void {
    this.#jobs.get(id)?.close();
    this.#jobs.delete(id);
  }
}
