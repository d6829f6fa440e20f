import { setImmediate } from 'node:timers';
import { IndexChanges } from './index-changes.js';
import type { JobIndex } from './job-index.js';
import type { Move } from './job-place.js';
import type { Keys } from './keys.js';
import { refusalOf, type RedisConnection } from './redis-connection.js';
import { STEPS } from './scripts.js';

/** How many go together: few enough that Redis, which serves nobody else meanwhile, is done in a moment. */
const MOST = 50;

/** What the program in Redis answers for a job: its progress, as it is stored, or 1 where there is none; 0 where nothing was done. */
export type StepAnswer = string | number;

/** A job that is created or changed, as the program in Redis takes it. */
export interface JobStep extends Move {
  /** In ms, from now on. */
  readonly ttl: number;
  /** Empty for a job that is created. */
  readonly rev: string;
  readonly mark: string;
  readonly isProgressGone: boolean;
  /** Names and values in turn. */
  readonly fields: readonly string[];
  readonly gone: readonly string[];
}

interface Waiting {
  readonly step: JobStep;
  resolve(answer: StepAnswer): void;
  reject(error: unknown): void;
}

/** What is done to jobs in one turn of the event loop goes to Redis together. */
export class JobSteps {
  #waiting: Waiting[] = [];
  #ids = new Set<string>();
  readonly #most: number;

  constructor(
    private readonly redis: RedisConnection,
    private readonly keys: Keys,
    private readonly index: JobIndex,
    /** This process. */
    private readonly owner: string,
  ) {
    // The jobs of a cluster are on different nodes.
    this.#most = redis.isCluster ? 1 : MOST;
  }

  /** What the program answers for this job. @throws TrackerUnavailableError */
  take(step: JobStep): Promise<StepAnswer> {
    return new Promise((resolve, reject) => {
      // What is refused is told by the id of its job.
      if (this.#ids.has(step.id)) this.#send();
      this.#ids.add(step.id);
      const length = this.#waiting.push({ step, resolve, reject });
      // So that Redis begins with what there is while more is being made.
      if (length === this.#most) this.#send();
      else if (length === 1) setImmediate(() => this.#send());
    });
  }

  #send(): void {
    const some = this.#waiting;
    if (some.length === 0) return;
    this.#waiting = [];
    this.#ids = new Set();
    this.#run(some).then(
      (answers) => this.#answer(some, answers),
      (error: unknown) => some.forEach(({ reject }) => reject(error)),
    );
  }

  #answer(some: readonly Waiting[], answers: readonly unknown[]): void {
    some.forEach(({ resolve, reject }, at) => {
      const answer = answers[at];
      if (answer instanceof Error) reject(refusalOf(answer));
      else resolve(answer as StepAnswer);
    });
  }

  async #run(some: readonly Waiting[]): Promise<unknown[]> {
    const { redis, keys, owner } = this;
    const jobs = some.map(({ step }) => keys.job(step.id));
    const base = redis.isCluster ? '' : keys.indexBase;
    const list: (string | number)[] = [];
    for (const { step } of some) appendStep(list, step);
    if (!redis.isCluster) this.#changesOf(some).appendTo(list);
    const values = [owner, keys.inbox(''), base, JSON.stringify(list)];
    const answers = await redis.run<unknown[]>(STEPS, jobs, values);
    const isLost = answers.pop() === 1;
    if (isLost) await this.#bringBack(some, answers);
    return answers;
  }

  #changesOf(some: readonly Waiting[]): IndexChanges {
    const changes = new IndexChanges(this.index.ttl);
    for (const { step } of some) changes.add(step);
    return changes;
  }

  /** An index was lost, or this is the second time. */
  async #bringBack(some: readonly Waiting[], answers: readonly unknown[]): Promise<void> {
    const stored = some.filter((_one, at) => answers[at] !== 0 && !(answers[at] instanceof Error));
    await Promise.all(stored.map(({ step }) => this.index.place(step)));
  }
}

function appendStep(list: (string | number)[], step: JobStep): void {
  const { id, ttl, rev, mark, isProgressGone, fields, gone } = step;
  list.push(id, ttl, rev, mark, isProgressGone ? 1 : 0, fields.length, gone.length);
  for (const one of fields) list.push(one);
  for (const one of gone) list.push(one);
}
