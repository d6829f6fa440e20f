import { Logger } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { toFailure } from '../../errors/failure.js';
import { TrackerUnavailableError } from '../../errors/tracker.errors.js';
import type { JobActivity, JobOrigin, JobProgress, JobRecord, JobState } from '../../job/job.js';
import { isFinal, type JobChange } from '../../job/state-machine.js';
import type { OutputAppend, OutputPage } from '../../output/output-chunk.js';
import type { JobQuery, JobStanding, JobTracker, TrackerSettings } from '../job-tracker.js';
import {
  withPendingOutput,
  withPendingReports,
  type LiveStore,
  type Writing,
} from '../live-job.js';
import { LiveJobs } from '../live-jobs.js';
import { Watchers } from '../watchers.js';
import { PushedNews } from './pushed-news.js';
import { readRedisOptions, type RedisSettings, type RedisTrackerOptions } from './redis-options.js';
import { RedisStore } from './redis-store.js';

/** How long output and progress gather before they are stored, after the first; in ms. */
const PAUSE = 50;

/**
 * Keeps jobs, their progress and their output in Redis, where each process of the application sees them: live, by push.
 * What a process leaves unfinished is run again by another that has a method for it; what nobody runs is gone after
 * `expiry`. (asyncjob's `RedisProgressTracker`, whose keys end after an hour.)
 * @throws BackgroundOptionsError; at start, BackgroundError where Redis does not answer, refuses the password, or is
 * older than 6.2; later, TrackerUnavailableError while it is away.
 * @example BackgroundModule.forRoot({ tracker: redisTracker({ url: 'redis://127.0.0.1:6379' }) })
 */
export function redisTracker(options: RedisTrackerOptions): JobTracker {
  return new RedisTracker(readRedisOptions(options));
}

class RedisTracker implements JobTracker {
  readonly durable = true;
  readonly shared = true;
  readonly #logger = new Logger('Background');
  readonly #owner = randomUUID();
  /** Jobs that were refused, and may be in Redis all the same. */
  readonly #doomed = new Set<string>();
  #live!: LiveJobs;
  #watchers!: Watchers;
  #store!: RedisStore;
  #isClosing = false;

  constructor(private readonly options: RedisSettings) {}

  async open(settings: TrackerSettings): Promise<void> {
    const { clock } = settings;
    this.#watchers = new Watchers(clock);
    this.#live = new LiveJobs(this.#liveStore(clock));
    const warn = (what: string, error?: unknown): void => this.#warn(what, error);
    this.#store = await RedisStore.open({
      ...{ options: this.options, settings, owner: this.#owner, warn },
    });
    this.#listen();
  }

  isUnavailable(error: unknown): boolean {
    return error instanceof TrackerUnavailableError;
  }

  async create(record: JobRecord): Promise<void> {
    await this.#store.jobs.create(record);
  }

  async forget(id: string): Promise<void> {
    this.#live.drop(id);
    // Refused while Redis does not answer: it may have taken the job, and said so to nobody.
    this.#doomed.add(id);
    await this.#forgetDoomed();
    this.#watchers.wake(id);
  }

  async change(id: string, change: JobChange, attempt?: number): Promise<JobRecord | undefined> {
    // What was printed is stored before the end is, so that a final record means complete output.
    if (change.type !== 'start' && this.#isUnstored(id)) await this.#flush(id);
    const record = await this.#store.jobs.change(id, change, attempt, isByItself(change, attempt));
    // Refused to an attempt: it no longer counts, nor does what it still says.
    if (!record && attempt !== undefined) this.#live.drop(id);
    if (!record) return undefined;
    if (change.type === 'start') this.#live.of(id).starts(record);
    if (record.state !== 'running') this.#live.drop(id);
    if (isFinal(record.state)) this.#store.retention?.finished(record);
    this.#watchers.wake(id);
    return record;
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

  flush(id: string): Promise<void> {
    return this.#flush(id);
  }

  share(id: string, origin: JobOrigin): Promise<void> {
    return this.#store.jobs.share(id, origin);
  }

  async find(id: string): Promise<JobRecord | undefined> {
    const pending = this.#live.pending(id);
    const record = await this.#store.jobs.find(id);
    return record && withPendingReports(record, pending);
  }

  async list(query: JobQuery): Promise<JobRecord[]> {
    const records = await this.#store.jobs.list(query);
    return records.map((record) => withPendingReports(record, this.#live.pending(record.id)));
  }

  counts(): Promise<Record<JobState, number>> {
    return this.#store.index.counts();
  }

  async output(id: string, after: number): Promise<OutputPage | undefined> {
    const pending = this.#live.pending(id);
    const page = await this.#store.output.after(id, after);
    return page && withPendingOutput(page, after, pending);
  }

  watch(id: string, wake: (standing?: JobStanding) => void): () => void {
    return this.#watchers.watch(id, wake);
  }

  hurry(): void {
    this.#isClosing = true;
    this.#store.redis.hurry();
  }

  async close(): Promise<void> {
    this.hurry();
    this.#watchers.close();
    await Promise.all(this.#live.ids.map((id) => this.#flush(id)));
    this.#live.ids.forEach((id) => this.#live.drop(id));
    await this.#store.close();
  }

  #liveStore(clock: TrackerSettings['clock']): LiveStore {
    const write = (how: Writing, work: () => Promise<void>): Promise<void> =>
      how === 'patiently' ? this.#store.redis.patiently(work) : work();
    return {
      ...{ clock, pause: PAUSE },
      append: (id, attempt, batch, how) =>
        write(how, () => this.#store.output.append(id, attempt, batch)),
      setProgress: (id, attempt, progress, how) =>
        write(how, () => this.#store.jobs.report(id, attempt, 'progress', progress)),
      setActivity: (id, attempt, activity, how) =>
        write(how, () => this.#store.jobs.report(id, attempt, 'activity', activity)),
      failed: (id, error) => this.#reportUnlessAway(id, error),
    };
  }

  #listen(): void {
    const { redis, subscriber, keys, jobs } = this.#store;
    const wake = (id: string): void => this.#watchers.wake(id);
    const wakeAll = (): void => this.#watchers.wakeAll();
    const comesByItself = (id: string): boolean => jobs.isCalledHere(id);
    const news = { redis, subscriber, keys, owner: this.#owner, comesByItself, wake, wakeAll };
    this.#watchers.connect(new PushedNews(news));
    let isAway = false;
    redis.client.on('close', () => {
      if (!isAway && !this.#isClosing)
        this.#warn('has lost Redis. Jobs go on; what they print waits');
      isAway = true;
    });
    redis.client.on('ready', () => {
      if (isAway) this.#logger.log('redisTracker() has Redis again');
      isAway = false;
      this.#store.returned();
      void this.#forgetDoomed();
    });
  }

  async #forgetDoomed(): Promise<void> {
    const ids = [...this.#doomed];
    if (ids.length === 0) return;
    try {
      await this.#store.jobs.forget(ids);
      ids.forEach((id) => this.#doomed.delete(id));
    } catch (error) {
      // Done when it is back.
      if (!(error instanceof TrackerUnavailableError)) throw error;
    }
  }

  #isUnstored(id: string): boolean {
    return this.#live.get(id)?.isStored === false;
  }

  async #flush(id: string): Promise<void> {
    try {
      await this.#live.get(id)?.flush();
    } catch (error) {
      this.#warn(`could not store output or progress of job ${id}`, error);
    }
  }

  #reportUnlessAway(id: string, error: unknown): void {
    if (error instanceof TrackerUnavailableError) return;
    this.#warn(`could not store output or progress of job ${id}`, error);
  }

  #warn(what: string, error?: unknown): void {
    const why = error === undefined ? '' : `: ${toFailure(error).message}`;
    this.#logger.warn(`redisTracker() ${what}${why}.`);
  }
}

/** Whether the change comes from the life of a job, where nobody waits for it and it must not be lost. */
function isByItself({ type }: JobChange, attempt: number | undefined): boolean {
  return attempt !== undefined || type === 'start' || type === 'enqueue';
}
