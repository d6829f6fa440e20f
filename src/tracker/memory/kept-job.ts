import type { Moment } from '../../job/job-id.js';
import type {
  JobActivity,
  JobFailure,
  JobOrigin,
  JobProgress,
  JobRecord,
  JobState,
} from '../../job/job.js';
import { changeInPlace, type ChangingRecord, type JobChange } from '../../job/state-machine.js';
import type { KeptJob } from '../job-keeper.js';
import type { Channel } from './channel.js';

/** Where such a job is kept. */
export interface Shelf {
  idAt(moment: Moment, place: number): string;
  add(job: MemoryJob): void;
  /** Its id was read for the first time. */
  named(job: MemoryJob): void;
  changed(job: MemoryJob, change: JobChange): void;
}

/** What few jobs have. */
export class Beside {
  channel: Channel | undefined;
  watchers: Set<() => void> | undefined;
  /** The jobs that it started, so that a page that shows them need not look through all. */
  children: MemoryJob[] = [];
  /** Its retention is over. */
  isDue = false;
  #tidyAt = 64;

  /** A job that starts others without end must not hold those that are kept no more. */
  addChild(job: MemoryJob): void {
    if (this.children.length >= this.#tidyAt) {
      this.children = this.children.filter(({ isKept }) => isKept);
      this.#tidyAt = Math.max(64, 2 * this.children.length);
    }
    this.children.push(job);
  }
}

/** A job in memory: one object, which changes as the job does. Readers are shown copies. */
export class MemoryJob implements KeptJob, ChangingRecord {
  state: JobState = 'queued';
  attempt = 0;
  startedAt: number | undefined;
  finishedAt: number | undefined;
  progress: JobProgress | null = null;
  result: unknown;
  // Of few jobs, and there only where they are set.
  declare parentId: string | undefined;
  declare origin: JobOrigin | undefined;
  declare error: JobFailure | undefined;
  declare runAt?: number;
  declare stalled?: number;
  declare call?: string;
  declare activity?: JobActivity;
  declare rolledBack?: true;
  caller: object | undefined;
  beside: Beside | undefined;
  /** Its neighbours among those that are kept, in the order in which they came. */
  previous: MemoryJob | undefined;
  next: MemoryJob | undefined;
  isKept = false;
  #id: string | undefined;
  #shown: JobRecord | undefined;

  constructor(
    private readonly shelf: Shelf,
    readonly name: string,
    readonly createdAt: number,
    private readonly moment: Moment | undefined,
    private readonly place: number,
  ) {}

  /** Of a record that was made elsewhere. */
  static from(shelf: Shelf, record: JobRecord): MemoryJob {
    const job = new MemoryJob(shelf, record.name, record.createdAt, undefined, 0);
    const { id, ...rest } = record;
    Object.assign(job, rest);
    job.#id = id;
    job.#shown = record;
    return job;
  }

  get id(): string {
    return this.#id ?? this.#makeId();
  }

  get isNamed(): boolean {
    return this.#id !== undefined;
  }

  /** As it is now: the same object until the next change. */
  get record(): JobRecord {
    return (this.#shown ??= this.#copy());
  }

  keep(): void {
    this.shelf.add(this);
  }

  change(change: JobChange, attempt?: number): this | undefined {
    if (attempt !== undefined && !this.isRunning(attempt)) return undefined;
    if (!changeInPlace(this, change)) return undefined;
    this.hasChanged();
    this.shelf.changed(this, change);
    return this;
  }

  isRunning(attempt: number): boolean {
    return this.state === 'running' && this.attempt === attempt;
  }

  hasChanged(): void {
    this.#shown = undefined;
    this.wakeWatchers();
  }

  wakeWatchers(): void {
    this.beside?.watchers?.forEach((wake) => wake());
  }

  #makeId(): string {
    this.#id = this.shelf.idAt(this.moment!, this.place);
    this.shelf.named(this);
    return this.#id;
  }

  #copy(): JobRecord {
    const { name, createdAt, parentId, origin, state, attempt, startedAt, finishedAt } = this;
    const { progress, result, error, runAt, stalled, call, activity, rolledBack } = this;
    return {
      ...{ id: this.id, name, createdAt, parentId, origin, state, runAt, attempt },
      ...{ startedAt, finishedAt, progress, result, error },
      ...(stalled !== undefined && { stalled }),
      ...(call !== undefined && { call }),
      ...(activity && { activity }),
      ...(rolledBack && { rolledBack }),
    };
  }
}
