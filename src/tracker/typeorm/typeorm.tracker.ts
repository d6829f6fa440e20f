import { Logger } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { aCount, aDuration, aText, checkOptions, either } from '../../errors/check-options.js';
import { toFailure } from '../../errors/failure.js';
import { parseDuration, type Duration } from '../../job/duration.js';
import type { JobProgress, JobRecord, JobState } from '../../job/job.js';
import { isFinal, type JobChange } from '../../job/state-machine.js';
import type { OutputAppend, OutputPage } from '../../output/output-chunk.js';
import type { JobQuery, JobTracker, OpenTransaction, TrackerSettings } from '../job-tracker.js';
import { chooseDataSource } from './choose-data-source.js';
import { isDataSource, type DataSourceLike } from './data-source-like.js';
import { LiveJob, withPendingOutput, withPendingProgress, type LiveStore } from './live-job.js';
import { TypeOrmStore } from './typeorm-store.js';
import { Watchers } from './watchers.js';

/** How long output is kept in memory that was stored in a transaction; in ms. */
const COMMIT_TIME = 60_000;

/** What `typeOrmTracker` takes; all of it can be left out. */
export interface TypeOrmTrackerOptions {
  /** The DataSource, or its name; needed only where the application has several. */
  dataSource?: object | string;
  /** How long a process may be silent before its jobs are taken over; default `'5s'`. */
  lease?: Duration;
  /** How often each process looks for jobs that another left unfinished; default `'2s'`. */
  recovery?: Duration;
  /** How many connections of its own the tracker has, beside the DataSource's pool; default 4. */
  connections?: number;
}

const RULES = {
  dataSource: either(aText, { expected: 'a DataSource of TypeORM', accepts: isDataSource }),
  lease: aDuration,
  recovery: aDuration,
  connections: aCount(1),
};

/**
 * Keeps jobs, their progress and their output in tables of the application's own database, so that they outlive the
 * process: what a crash leaves unfinished runs again within seconds. The end of a job is written in its transaction:
 * what it did and that it did it are committed together, or not at all.
 *
 * The tables come with the entities or the migration of `nestjs-background/typeorm`.
 * @throws BackgroundOptionsError; at start, BackgroundError where there is no such DataSource, or no tables.
 * @example BackgroundModule.forRoot({ tracker: typeOrmTracker() })
 */
export function typeOrmTracker(options: TypeOrmTrackerOptions = {}): JobTracker {
  checkOptions('typeOrmTracker()', options, RULES);
  return new TypeOrmTracker(options);
}

class TypeOrmTracker implements JobTracker {
  readonly durable = true;
  readonly #logger = new Logger('Background');
  readonly #owner = randomUUID();
  readonly #live = new Map<string, LiveJob>();
  #settings!: TrackerSettings;
  #watchers!: Watchers;
  #liveStore!: LiveStore;
  #dataSource: DataSourceLike | undefined;
  #connected!: (store: Promise<TypeOrmStore>) => void;
  readonly #ready = new Promise<TypeOrmStore>((resolve) => (this.#connected = resolve));
  #isConnecting = false;

  constructor(private readonly options: TypeOrmTrackerOptions) {
    this.#ready.catch(() => undefined);
  }

  open(settings: TrackerSettings): void {
    this.#settings = settings;
    this.#watchers = new Watchers(settings.clock);
    this.#liveStore = {
      clock: settings.clock,
      append: async (id, attempt, batch, how) => {
        const store = await this.#ready;
        return store.output.append(id, attempt, batch, store.runner(how));
      },
      setProgress: async (id, attempt, progress, how) => {
        const store = await this.#ready;
        return store.jobs.setProgress(id, attempt, progress, store.runner(how));
      },
      failed: (id, error) => void this.#reportUnlessBusy(id, error),
    };
  }

  async connect(dataSources: ReadonlyMap<string, object>): Promise<void> {
    this.#isConnecting = true;
    const connecting = this.#connect(dataSources);
    this.#connected(connecting);
    await connecting;
  }

  joins(dataSource: object): boolean {
    return dataSource === this.#dataSource;
  }

  async create(record: JobRecord, transaction?: OpenTransaction): Promise<void> {
    const store = await this.#ready;
    if (transaction) this.#liveJob(record.id).hold();
    await store.jobs.create(record, transaction);
  }

  async forget(id: string): Promise<void> {
    this.#drop(id);
    await (await this.#ready).jobs.forget([id]);
    this.#watchers.wake(id);
  }

  async change(
    id: string,
    change: JobChange,
    attempt?: number,
    transaction?: OpenTransaction,
  ): Promise<JobRecord | undefined> {
    const store = await this.#ready;
    // What was printed is stored before the end is, so that a final record means complete output.
    if (change.type !== 'start') await this.#flush(id, store, transaction);
    const record = await store.jobs.change(id, change, attempt, transaction);
    if (!record) return undefined;
    if (change.type === 'start') this.#liveJob(id).starts(record.attempt);
    if (record.state !== 'running') this.#dropAfter(id, store, transaction);
    if (isFinal(record.state)) store.retention.finished(record);
    this.#watchers.wake(id);
    return record;
  }

  setProgress(id: string, attempt: number, progress: JobProgress): void {
    const live = this.#live.get(id);
    if (live?.attempt !== attempt) return;
    live.report(progress);
    this.#watchers.wake(id);
  }

  append(id: string, output: OutputAppend, attempt = 0): void {
    // Output that comes before the first attempt heads what the job prints.
    const live = attempt === 0 ? this.#liveJob(id) : this.#live.get(id);
    if (live?.attempt !== attempt) return;
    live.append(output);
    this.#watchers.wake(id);
  }

  async find(id: string): Promise<JobRecord | undefined> {
    const store = await this.#ready;
    const pending = this.#live.get(id)?.pending();
    const record = await store.jobs.find(id);
    return record && withPendingProgress(record, pending);
  }

  async list(query: JobQuery): Promise<JobRecord[]> {
    const store = await this.#ready;
    const records = await store.jobs.list(query);
    return records.map((record) =>
      withPendingProgress(record, this.#live.get(record.id)?.pending()),
    );
  }

  async counts(): Promise<Record<JobState, number>> {
    return (await this.#ready).jobs.counts();
  }

  async output(id: string, after: number): Promise<OutputPage | undefined> {
    const store = await this.#ready;
    const pending = this.#live.get(id)?.pending();
    const page = await store.output.after(id, after);
    return page && withPendingOutput(page, after, pending);
  }

  watch(id: string, wake: () => void): () => void {
    return this.#watchers.watch(id, wake);
  }

  async close(): Promise<void> {
    this.#watchers.close();
    if (!this.#isConnecting) return;
    const store = await this.#ready.catch(() => undefined);
    if (store) await Promise.all([...this.#live.keys()].map((id) => this.#flush(id, store)));
    [...this.#live.keys()].forEach((id) => this.#drop(id));
    await store?.close();
  }

  async #connect(dataSources: ReadonlyMap<string, object>): Promise<TypeOrmStore> {
    const dataSource = chooseDataSource(this.options.dataSource, dataSources);
    const store = await TypeOrmStore.open({
      ...{ dataSource, settings: this.#settings, owner: this.#owner },
      lease: parseDuration(this.options.lease ?? '5s')!,
      recoveryInterval: parseDuration(this.options.recovery ?? '2s')!,
      connections: this.options.connections ?? 4,
      warn: (what, error) => this.#warn(what, error),
    });
    this.#dataSource = dataSource;
    this.#watchers.connect(store.db);
    return store;
  }

  #liveJob(id: string): LiveJob {
    let live = this.#live.get(id);
    if (!live) this.#live.set(id, (live = new LiveJob(id, this.#liveStore)));
    return live;
  }

  async #flush(id: string, store: TypeOrmStore, transaction?: OpenTransaction): Promise<void> {
    const live = this.#live.get(id);
    try {
      // Where there is one writer it is the job itself by now: waiting for it would never end.
      if (transaction && store.db.dialect.hasOneWriter) {
        await live?.flushIn((sql, values) => store.db.connections.runOn(transaction, sql, values));
        return;
      }
      live?.release();
      await live?.flush();
    } catch (error) {
      this.#warn(`could not store output or progress of job ${id}`, error);
    }
  }

  /** Once it is sure that the end of the job is committed, which no later change would say. */
  #dropAfter(id: string, { db }: TypeOrmStore, transaction?: OpenTransaction): void {
    if (!transaction || !db.dialect.hasOneWriter) return this.#drop(id);
    const live = this.#live.get(id);
    this.#settings.clock.after(COMMIT_TIME, () => {
      if (this.#live.get(id) === live) this.#drop(id);
    });
  }

  /** Where another one writes, it is tried again a little later. */
  async #reportUnlessBusy(id: string, error: unknown): Promise<void> {
    const { dialect } = (await this.#ready).db;
    if (dialect.hasOneWriter && dialect.isTransient(error)) return;
    this.#warn(`could not store output or progress of job ${id}`, error);
  }

  #drop(id: string): void {
    this.#live.get(id)?.close();
    this.#live.delete(id);
  }

  #warn(what: string, error?: unknown): void {
    const why = error === undefined ? '' : `: ${toFailure(error).message}`;
    this.#logger.warn(`typeOrmTracker() ${what}${why}`);
  }
}
