import { setImmediate } from 'node:timers';
import type { Clock } from '../job/clock.js';
import type { JobActivity, JobProgress, JobRecord } from '../job/job.js';
import type { OutputAppend, OutputChunk, OutputGap, OutputPage } from '../output/output-chunk.js';
import { pageOf, type OutputBatch } from './output-page.js';

/** Whether something is stored only if the store is free, or waits for that, or in the transaction `T` of the job. */
export type Writing<T = never> = 'if free' | 'patiently' | T;

/** Where a job's output and progress are stored. */
export interface LiveStore<T = never> {
  readonly clock: Clock;
  /** How long output and progress gather before they are stored, after the first; in ms. */
  readonly pause: number;
  /** Does nothing where the attempt is no longer the current one. */
  append(id: string, attempt: number, batch: OutputBatch, how: Writing<T>): Promise<void>;
  setProgress(id: string, attempt: number, progress: JobProgress, how: Writing<T>): Promise<void>;
  setActivity(id: string, attempt: number, activity: JobActivity, how: Writing<T>): Promise<void>;
  /** Called where it fails, which is no failure of the job. */
  failed(id: string, error: unknown): void;
}

/** What a reader in this process is shown beside what is stored. */
export interface PendingOutput {
  readonly attempt: number;
  readonly chunks: readonly OutputChunk[];
  readonly gap: OutputGap | undefined;
  readonly progress: JobProgress | undefined;
  readonly activity: JobActivity | undefined;
}

/** A record as it will be once everything is stored. */
export function withPendingReports(record: JobRecord, pending?: PendingOutput): JobRecord {
  const isOurs = record.state === 'running' && record.attempt === pending?.attempt;
  if (!isOurs) return record;
  const { progress = record.progress, activity = record.activity } = pending;
  return { ...record, progress, activity };
}

/** A page as it will be once everything is stored. */
export function withPendingOutput(
  stored: OutputPage,
  after: number,
  pending?: PendingOutput,
): OutputPage {
  if (!pending) return stored;
  const last = Math.max(after, stored.chunks.at(-1)?.seq ?? 0);
  const chunks = [...stored.chunks, ...pending.chunks.filter(({ seq }) => seq > last)];
  return pageOf(chunks, pending.gap ?? stored.gap, after);
}

/**
 * What a job of this process prints and reports, on its way to the store: the first at once, then after a pause each
 * time. Readers in this process see it without delay, and while the store takes no writes.
 */
export class LiveJob<T = never> {
  attempt = 0;
  /** As it was when the attempt began. */
  started: JobRecord | undefined;
  #chunks: OutputChunk[] = [];
  #gap: OutputGap | undefined;
  #gapIsNew = false;
  #progress: JobProgress | undefined;
  #progressIsNew = false;
  #activity: JobActivity | undefined;
  #activityIsNew = false;
  #writing: Promise<void> | undefined;
  #pause: (() => void) | undefined;
  #compactAt = 1024;
  #held = false;

  constructor(
    private readonly id: string,
    private readonly store: LiveStore<T>,
  ) {}

  append({ chunks, gap }: OutputAppend): void {
    this.#chunks.push(...chunks);
    this.#gapIsNew ||= gap !== this.#gap;
    this.#gap = gap;
    if (this.#chunks.length > this.#compactAt) this.#compact();
    this.#writeSoon();
  }

  report(progress: JobProgress): void {
    this.#progress = progress;
    this.#progressIsNew = true;
    this.#writeSoon();
  }

  note(activity: JobActivity): void {
    this.#activity = activity;
    this.#activityIsNew = true;
    this.#writeSoon();
  }

  /** The job is stored in a transaction that is still open: until it starts, no statement finds its row. */
  hold(): void {
    this.#held = true;
  }

  /** A new attempt has reported nothing yet. */
  starts(started: JobRecord): void {
    this.#held = false;
    this.started = started;
    if (this.#isDirty) this.#writeSoon();
    this.attempt = started.attempt;
    this.#progress = undefined;
    this.#progressIsNew = false;
    this.#activity = undefined;
    this.#activityIsNew = false;
  }

  /** Nothing is on its way to the store, nor waits to go there. */
  get isStored(): boolean {
    return !this.#writing && !this.#isDirty;
  }

  /** Stores everything that is here, and that the change which follows does not make void. */
  async flush(): Promise<void> {
    this.#activityIsNew = false;
    for (;;) {
      // What is tried at the moment may fail: then it is tried again, with patience.
      await this.#writing?.catch(() => undefined);
      if (this.#held || !this.#isDirty) return;
      await this.#write('patiently');
    }
  }

  /** Stores everything in a transaction, and keeps it: the transaction may yet be rolled back. */
  async flushIn(run: T): Promise<void> {
    if (this.#writing) await this.#writing.catch(() => undefined);
    this.#held = true;
    const { chunks, gap, progress } = this.pending();
    const batch = { chunks, gap: this.#gapIsNew ? gap : undefined };
    if (chunks.length > 0 || batch.gap) {
      await this.store.append(this.id, this.attempt, batch, run);
    }
    if (progress) await this.store.setProgress(this.id, this.attempt, progress, run);
  }

  /** The transaction was rolled back. */
  release(): void {
    this.#held = false;
  }

  close(): void {
    this.#pause?.();
    this.#pause = undefined;
  }

  /** What is here and may not be stored yet. Taken before the store is read, or what is stored meanwhile is missed. */
  pending(): PendingOutput {
    const { attempt } = this;
    const reports = { progress: this.#progress, activity: this.#activity };
    return { attempt, chunks: [...this.#chunks], gap: this.#gap, ...reports };
  }

  get #isDirty(): boolean {
    return this.#chunks.length > 0 || this.#gapIsNew || this.#progressIsNew || this.#activityIsNew;
  }

  #writeSoon(): void {
    if (this.#pause || this.#held) return;
    // What is printed in one go is stored in one go.
    const immediate = setImmediate(() => this.#writeNow());
    this.#pause = () => clearImmediate(immediate);
  }

  #writeNow(): void {
    this.#pause = undefined;
    if (!this.#isDirty || this.#held) return;
    this.#pause = this.store.clock.after(this.store.pause, () => this.#writeNow());
    this.#write('if free').catch((error: unknown) => this.store.failed(this.id, error));
  }

  #write(how: Writing<T>): Promise<void> {
    return (this.#writing ??= this.#storeAll(how).finally(() => (this.#writing = undefined)));
  }

  async #storeAll(how: Writing<T>): Promise<void> {
    if (this.#chunks.length > 0 || this.#gapIsNew) await this.#storeOutput(how);
    if (this.#progressIsNew && this.#progress) await this.#storeProgress(this.#progress, how);
    if (this.#activityIsNew && this.#activity) await this.#storeActivity(this.#activity, how);
  }

  /** What is being stored stays here until it is, so that no reader misses it meanwhile. */
  async #storeOutput(how: Writing<T>): Promise<void> {
    this.#compact();
    const chunks = [...this.#chunks];
    const gap = this.#gap;
    const batch = { chunks, gap: this.#gapIsNew ? gap : undefined };
    await this.store.append(this.id, this.attempt, batch, how);
    const last = chunks.at(-1)?.seq ?? 0;
    this.#chunks = this.#chunks.filter(({ seq }) => seq > last);
    this.#gapIsNew = this.#gap !== gap;
  }

  async #storeProgress(progress: JobProgress, how: Writing<T>): Promise<void> {
    await this.store.setProgress(this.id, this.attempt, progress, how);
    this.#progressIsNew = this.#progress !== progress;
  }

  async #storeActivity(activity: JobActivity, how: Writing<T>): Promise<void> {
    await this.store.setActivity(this.id, this.attempt, activity, how);
    this.#activityIsNew = this.#activity !== activity;
  }

  #compact(): void {
    this.#chunks = [...pageOf(this.#chunks, this.#gap, 0).chunks];
    this.#compactAt = Math.max(1024, 2 * this.#chunks.length);
  }
}
