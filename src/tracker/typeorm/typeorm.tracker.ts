import { Logger } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { aCount, aDuration, aText, checkOptions, either } from '../../errors/check-options.js';
import { toFailure } from '../../errors/failure.js';
import type { Clock } from '../../job/clock.js';
import { parseDuration, type Duration } from '../../job/duration.js';
import type { JobActivity, JobOrigin, JobProgress, JobRecord, JobState } from '../../job/job.js';
import type { MaybePromise } from '../../job/maybe-promise.js';
import type { JobChange } from '../../job/state-machine.js';
import type { OutputAppend, OutputPage } from '../../output/output-chunk.js';
import type { JobQuery, JobTracker, OpenTransaction, TrackerSettings } from '../job-tracker.js';
import { isConnectionLost } from '../../transaction/lost-connection.js';
import { withPendingOutput, withPendingReports, type LiveStore } from '../live-job.js';
import { LiveJobs } from '../live-jobs.js';
import { Watchers } from '../watchers.js';
import { chooseDataSource } from './choose-data-source.js';
import { hasOneConnection, type Run } from './connections.js';
import { isDataSource, type DataSourceLike } from './data-source-like.js';
import { JobChanges, type Asked } from './job-changes.js';
import { RowNews } from './outside-news.js';
import { shareJob } from './share-job.js';
import { TypeOrmStore } from './typeorm-store.js';

/** How long output and progress gather before they are stored; in ms. */
const PAUSE = 250;

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
  #settings!: TrackerSettings;
  #watchers!: Watchers;
  #live!: LiveJobs<Run>;
  #dataSource: DataSourceLike | undefined;
  #connected!: (store: Promise<TypeOrmStore>) => void;
  readonly #ready = new Promise<TypeOrmStore>((resolve) => (this.#connected = resolve));
  /** What `#ready` gives, once it does. */
  #store: TypeOrmStore | undefined;
  #changes: JobChanges | undefined;
  #isConnecting = false;

  constructor(private readonly options: TypeOrmTrackerOptions) {
    this.#ready.catch(() => undefined);
  }

  open(settings: TrackerSettings): void {
    this.#settings = settings;
    this.#watchers = new Watchers(settings.clock);
    this.#live = new LiveJobs(this.#liveStore(settings.clock));
  }

  async connect(dataSources: ReadonlyMap<string, object>): Promise<void> {
    this.#isConnecting = true;
    const connecting = this.#connect(dataSources);
    this.#connected(connecting);
    await connecting;
  }

  /** What one connection alone can see is not. */
  get shared(): boolean {
    return this.#dataSource !== undefined && !hasOneConnection(this.#dataSource);
  }

  joins(dataSource: object): boolean {
    return dataSource === this.#dataSource;
  }

  isUnavailable(error: unknown): boolean {
    return isConnectionLost(error);
  }

  create(record: JobRecord, transaction?: OpenTransaction): Promise<void> {
    // An `await` for each step would cost even where there is nothing to wait for.
    if (!this.#store?.isClaimed) return this.#createOnceClaimed(record, transaction);
    if (transaction) this.#live.of(record.id).hold();
    return this.#store.jobs.create(record, transaction);
  }

  async #createOnceClaimed(record: JobRecord, transaction?: OpenTransaction): Promise<void> {
    await (await this.#ready).claim();
    return this.create(record, transaction);
  }

  async forget(id: string): Promise<void> {
    this.#live.drop(id);
    await (await this.#ready).jobs.forget([id]);
    this.#watchers.wake(id);
  }

  change(
    id: string,
    change: JobChange,
    attempt?: number,
    transaction?: OpenTransaction,
  ): MaybePromise<JobRecord | undefined> {
    const asked = { id, change, attempt, transaction };
    return this.#changes ? this.#changes.make(asked) : this.#changeOnceReady(asked);
  }

  async #changeOnceReady(asked: Asked): Promise<JobRecord | undefined> {
    await this.#ready;
    return this.#changes!.make(asked);
  }

  setProgress(id: string, attempt: number, progress: JobProgress): void {
    if (this.#live.report(id, attempt, progress)) this.#watchers.wake(id);
  }

  setActivity(id: string, attempt: number, activity: JobActivity): void {
    if (this.#live.note(id, attempt, activity)) this.#watchers.wake(id);
  }

  append(id: string, output: OutputAppend, attempt?: number): void {
    if (this.#live.append(id, output, attempt)) this.#watchers.wake(id);
  }

  async flush(id: string): Promise<void> {
    await this.#ready;
    await this.#changes!.flush(id);
  }

  async share(id: string, origin: JobOrigin): Promise<void> {
    await shareJob((await this.#ready).db, id, origin);
  }

  async find(id: string): Promise<JobRecord | undefined> {
    const store = await this.#ready;
    const pending = this.#live.pending(id);
    const record = await store.jobs.find(id);
    return record && withPendingReports(record, pending);
  }

  async list(query: JobQuery): Promise<JobRecord[]> {
    const store = await this.#ready;
    const records = await store.jobs.list(query);
    return records.map((record) => withPendingReports(record, this.#live.pending(record.id)));
  }

  async counts(): Promise<Record<JobState, number>> {
    return (await this.#ready).jobs.counts();
  }

  async output(id: string, after: number): Promise<OutputPage | undefined> {
    const store = await this.#ready;
    const pending = this.#live.pending(id);
    const page = await store.output.after(id, after);
    return page && withPendingOutput(page, after, pending);
  }

  readonly watch: JobTracker['watch'] = (id, wake) => this.#watchers.watch(id, wake);

  async close(): Promise<void> {
    this.#watchers.close();
    if (!this.#isConnecting) return;
    const store = await this.#ready.catch(() => undefined);
    if (store) await Promise.all(this.#live.ids.map((id) => this.#changes!.flush(id)));
    this.#live.ids.forEach((id) => this.#live.drop(id));
    await store?.close();
  }

  #liveStore(clock: Clock): LiveStore<Run> {
    const written = async (
      id: string,
      write: (store: TypeOrmStore) => Promise<void>,
    ): Promise<void> => {
      const store = await this.#ready;
      await write(store);
      await this.#changes!.push(id);
    };
    return {
      ...{ clock, pause: PAUSE },
      append: (id, attempt, batch, how) =>
        written(id, ({ output, runner }) => output.append(id, attempt, batch, runner(how))),
      setProgress: (id, attempt, progress, how) =>
        written(id, ({ jobs, runner }) => jobs.setProgress(id, attempt, progress, runner(how))),
      setActivity: (id, attempt, activity, how) =>
        written(id, ({ jobs, runner }) => jobs.setActivity(id, attempt, activity, runner(how))),
      failed: (id, error) => void this.#reportUnlessBusy(id, error),
    };
  }

  async #connect(dataSources: ReadonlyMap<string, object>): Promise<TypeOrmStore> {
    const dataSource = chooseDataSource(this.options.dataSource, dataSources);
    const store = await TypeOrmStore.open({
      ...{ dataSource, settings: this.#settings, owner: this.#owner },
      lease: parseDuration(this.options.lease ?? '5s')!,
      recoveryInterval: parseDuration(this.options.recovery ?? '2s')!,
      connections: this.options.connections ?? 4,
      warn: (what, error) => this.#warn(what, error),
      wake: (id) => this.#watchers.wake(id),
    });
    this.#dataSource = dataSource;
    this.#store = store;
    this.#changes = new JobChanges({
      ...{ store, live: this.#live, watchers: this.#watchers, clock: this.#settings.clock },
      warn: (what, error) => this.#warn(what, error),
    });
    this.#watchers.connect(new RowNews(store.db, store.push));
    return store;
  }

  /** Where another one writes, it is tried again a little later. */
  async #reportUnlessBusy(id: string, error: unknown): Promise<void> {
    const { dialect } = (await this.#ready).db;
    if (dialect.hasOneWriter && dialect.isTransient(error)) return;
    this.#warn(`could not store output or progress of job ${id}`, error);
  }

  #warn(what: string, error?: unknown): void {
    const why = error === undefined ? '' : `: ${toFailure(error).message}`;
    this.#logger.warn(`typeOrmTracker() ${what}${why}`);
  }
}
