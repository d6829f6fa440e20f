import type { JobActivity, JobProgress, JobRecord, JobState } from '../../job/job.js';
import type { MaybePromise } from '../../job/maybe-promise.js';
import { applyChange, isFinal, type JobChange } from '../../job/state-machine.js';
import type { OutputAppend, OutputPage } from '../../output/output-chunk.js';
import type { JobQuery, JobTracker, TrackerSettings } from '../job-tracker.js';
import { Channel } from './channel.js';
import { RetentionLine } from './retention-line.js';

/** Keeps everything in this process, and loses it with the process. The default. */
export function memoryTracker(): JobTracker {
  return new MemoryTracker();
}

class Entry {
  channel: Channel | undefined;
  watchers: Set<() => void> | undefined;
  /** The jobs that it started, so that a page that shows them need not look through all. */
  children: string[] | undefined;
  /** Its retention is over. */
  isDue = false;

  constructor(public record: JobRecord) {}
}

const NOTHING_PRINTED: OutputPage = { chunks: [], gap: undefined, last: 0 };

/** The tracker itself, for one that adds to it. */
export class MemoryTracker implements JobTracker {
  readonly #entries = new Map<string, Entry>();
  #retained!: RetentionLine;

  open({ clock, retention }: TrackerSettings): void {
    this.#retained = new RetentionLine(clock, retention, (id) => this.#purge(id));
  }

  create(record: JobRecord): void {
    this.#entries.set(record.id, new Entry(record));
    const parent = record.parentId ? this.#entries.get(record.parentId) : undefined;
    if (parent) (parent.children ??= []).push(record.id);
  }

  forget(id: string): void {
    const entry = this.#entries.get(id);
    this.#entries.delete(id);
    entry?.watchers?.forEach((wake) => wake());
  }

  change(id: string, change: JobChange, attempt?: number): JobRecord | undefined {
    const entry = this.#entries.get(id);
    if (!entry || (attempt !== undefined && !isRunning(entry.record, attempt))) return undefined;
    const changed = applyChange(entry.record, change);
    if (!changed) return undefined;
    this.#update(entry, changed);
    if (change.type === 'retry') this.#retained.take(id);
    if (isFinal(changed.state)) this.#retain(changed);
    return changed;
  }

  setProgress(id: string, attempt: number, progress: JobProgress): void {
    const entry = this.#running(id, attempt);
    if (entry) this.#update(entry, { ...entry.record, progress });
  }

  setActivity(id: string, attempt: number, activity: JobActivity): void {
    const entry = this.#running(id, attempt);
    if (entry) this.#update(entry, { ...entry.record, activity });
  }

  append(id: string, output: OutputAppend, attempt?: number): void {
    const entry = this.#entries.get(id);
    if (!entry || (attempt !== undefined && entry.record.attempt !== attempt)) return;
    entry.channel ??= new Channel();
    entry.channel.append(output);
    entry.watchers?.forEach((wake) => wake());
  }

  find(id: string): JobRecord | undefined {
    return this.#entries.get(id)?.record;
  }

  list({ state, name, parentId, limit = 100, before }: JobQuery): JobRecord[] {
    return this.#recordsOf(parentId)
      .reverse()
      .filter((record) => !state || record.state === state)
      .filter((record) => !name || record.name === name)
      .filter((record) => !before || record.id < before)
      .slice(0, limit);
  }

  counts(): Record<JobState, number> {
    const counts = { scheduled: 0, queued: 0, running: 0, completed: 0, failed: 0, cancelled: 0 };
    for (const { record } of this.#entries.values()) counts[record.state] += 1;
    return counts;
  }

  output(id: string, after: number): OutputPage | undefined {
    const entry = this.#entries.get(id);
    if (!entry) return undefined;
    return entry.channel?.after(after) ?? { ...NOTHING_PRINTED, last: after };
  }

  watch(id: string, wake: () => void): () => void {
    const entry = this.#entries.get(id);
    if (!entry) return () => {};
    entry.watchers ??= new Set();
    entry.watchers.add(wake);
    return () => {
      entry.watchers?.delete(wake);
      if (entry.isDue) this.#purge(id);
    };
  }

  close(): MaybePromise<void> {
    this.#retained.close();
  }

  #running(id: string, attempt: number): Entry | undefined {
    const entry = this.#entries.get(id);
    return entry && isRunning(entry.record, attempt) ? entry : undefined;
  }

  #recordsOf(parentId: string | undefined): JobRecord[] {
    if (!parentId) return [...this.#entries.values()].map(({ record }) => record);
    const children = this.#entries.get(parentId)?.children ?? [];
    return children.flatMap((id) => this.#entries.get(id)?.record ?? []);
  }

  /** Whoever follows the job gets to its end, even where nothing is kept of it. */
  #purge(id: string): void {
    const entry = this.#entries.get(id);
    if (!entry) return;
    entry.isDue = isFinal(entry.record.state);
    if (entry.isDue && !entry.watchers?.size) this.#entries.delete(id);
  }

  #update(entry: Entry, record: JobRecord): void {
    entry.record = record;
    entry.watchers?.forEach((wake) => wake());
  }

  #retain({ id, state, finishedAt = 0 }: JobRecord): void {
    this.#retained.add(id, state === 'completed' ? 'completed' : 'failed', finishedAt);
  }
}

function isRunning(record: JobRecord, attempt: number): boolean {
  return record.state === 'running' && record.attempt === attempt;
}
