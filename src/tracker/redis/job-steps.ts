import { setImmediate } from 'node:timers';
import type { JobIndex } from './job-index.js';
import type { Keys } from './keys.js';
import type { RedisConnection } from './redis-connection.js';
import { STEPS } from './scripts.js';

/** How many go together: few enough that Redis, which serves nobody else meanwhile, is done in a moment. */
const MOST = 50;

/** A job that is created or changed, as the program in Redis takes it. */
export interface JobStep {
  readonly id: string;
  readonly data: readonly unknown[];
}

interface Waiting {
  readonly step: JobStep;
  resolve(answer: unknown): void;
  reject(error: unknown): void;
}

/** What is done to jobs in one turn of the event loop goes to Redis together. */
export class JobSteps {
  #waiting: Waiting[] = [];

  constructor(
    private readonly redis: RedisConnection,
    private readonly keys: Keys,
    private readonly index: JobIndex,
    /** This process. */
    private readonly owner: string,
  ) {}

  /** What the program answers for this job. @throws TrackerUnavailableError */
  take<T>(step: JobStep): Promise<T> {
    return new Promise<unknown>((resolve, reject) => {
      if (this.#waiting.push({ step, resolve, reject }) === 1) setImmediate(() => this.#sendAll());
    }) as Promise<T>;
  }

  #sendAll(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    // The jobs of a cluster are on different nodes.
    const most = this.redis.isCluster ? 1 : MOST;
    for (let at = 0; at < waiting.length; at += most) void this.#send(waiting.slice(at, at + most));
  }

  async #send(some: readonly Waiting[]): Promise<void> {
    try {
      const answers = await this.#run(some);
      some.forEach(({ resolve }, at) => resolve(answers[at]));
    } catch (error) {
      // What is wrong with one job must not be held against the others.
      if (some.length === 1 || this.redis.isUnavailable(error))
        some.forEach(({ reject }) => reject(error));
      else some.forEach((one) => void this.#send([one]));
    }
  }

  #run(some: readonly Waiting[]): Promise<unknown[]> {
    const { redis, keys, index, owner } = this;
    return redis.run<unknown[]>(
      STEPS,
      some.map(({ step }) => keys.job(step.id)),
      [
        ...[owner, keys.inbox(''), redis.isCluster ? '' : keys.indexBase, index.ttl],
        ...some.map(({ step }) => JSON.stringify(step.data)),
      ],
    );
  }
}
