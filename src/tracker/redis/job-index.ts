import type { JobRecord, JobState } from '../../job/job.js';
import { isFinal, TRANSITIONS } from '../../job/state-machine.js';
import type { JobQuery } from '../job-tracker.js';
import type { Move, Place } from './job-place.js';
import type { Keys } from './keys.js';
import type { RedisConnection } from './redis-connection.js';
import { FORGET, PLACE_JOB, REPLACE, SIZES, UNPLACE } from './scripts.js';

const STATES = Object.keys(TRANSITIONS) as JobState[];
const UNFINISHED = STATES.filter((state) => !isFinal(state));
/** How many jobs are removed at once: few enough that Redis is done in a moment. */
const AT_ONCE = 100;

/** What is kept of each job beside its place. */
export interface Placed {
  readonly id: string;
  readonly name: string;
  /** Whether it can be run again from what is stored. */
  readonly hasCall: boolean;
}

/**
 * Sorted sets of ids, which UUIDs of version 7 sort by age. They follow the jobs: what they say of one is looked up
 * before it is believed.
 */
export class JobIndex {
  constructor(
    private readonly redis: RedisConnection,
    private readonly keys: Keys,
    /** How long the indexes stay that nobody touches any more, in ms. */
    readonly ttl: number,
  ) {}

  /** In a cluster, where another node may have the indexes than the job: the step after it is stored. */
  async placed(move: Omit<Move, 'before'>): Promise<void> {
    const values = [placingOf(move), this.keys.indexBase, this.ttl];
    await this.redis.run(PLACE_JOB, [this.#places], values);
  }

  /** Puts a job where it belongs, wherever the indexes have it. */
  async place(move: Omit<Move, 'before'>): Promise<void> {
    if (this.redis.isCluster) return this.placed(move);
    const values = [placingOf(move), this.keys.indexBase, this.ttl];
    await this.redis.run(REPLACE, [this.keys.job(move.id)], values);
  }

  async remove(ids: readonly string[]): Promise<void> {
    for (const some of portions(ids, AT_ONCE)) {
      await this.redis.run(UNPLACE, [this.#places], [this.keys.indexBase, ...some]);
    }
  }

  /** Removes jobs, and tells whoever watches them. */
  async forget(ids: readonly string[]): Promise<void> {
    const { redis, keys } = this;
    if (redis.isCluster) return this.#forgetApart(ids);
    for (const some of portions(ids, AT_ONCE)) {
      const jobs = some.map((id) => keys.job(id));
      await redis.run(FORGET, jobs, [keys.indexBase, ...some]);
    }
  }

  /** In a cluster, where they are on different nodes. */
  async #forgetApart(ids: readonly string[]): Promise<void> {
    const { redis, keys } = this;
    await Promise.all(
      ids.map(async (id) => {
        await redis.command('DEL', keys.job(id), keys.output(id));
        await redis.command('PUBLISH', keys.channel(id), '');
      }),
    );
    await this.remove(ids);
  }

  async counts(): Promise<Record<JobState, number>> {
    const sizes = await this.#sizes(STATES.map((state) => `state:${state}`));
    return Object.fromEntries(STATES.map((state, at) => [state, sizes[at] ?? 0])) as Record<
      JobState,
      number
    >;
  }

  /** The index with the fewest jobs among which all are that the query is about. */
  async narrowest({ state, name, parentId }: JobQuery): Promise<string> {
    const given = [
      ...(parentId ? [`parent:${parentId}`] : []),
      ...(name ? [`name:${name}`] : []),
      ...(state ? [`state:${state}`] : []),
    ];
    if (given.length < 2) return given[0] ?? 'jobs';
    const sizes = await this.#sizes(given);
    return given[sizes.indexOf(Math.min(...sizes))]!;
  }

  /** Ids in an index, the newest first. */
  newest(index: string, before: string | undefined, limit: number): Promise<string[]> {
    return this.#range(index, before === undefined ? '+' : `(${before}`, '-', limit, 'REV');
  }

  /** Ids in an index, the oldest first. */
  oldest(index: string, after: string | undefined, limit: number): Promise<string[]> {
    return this.#range(index, after === undefined ? '-' : `(${after}`, '+', limit);
  }

  /** All ids of jobs that are not over by their index, with that state, in portions. */
  async *unfinished(portion: number): AsyncGenerator<{ state: JobState; ids: string[] }> {
    for (const state of UNFINISHED) {
      for (let ids = [''], last: string | undefined; ids.length > 0; last = ids.at(-1)) {
        ids = await this.oldest(`state:${state}`, last, portion);
        yield { state, ids };
      }
    }
  }

  async look(ids: readonly string[]): Promise<Placed[]> {
    if (ids.length === 0) return [];
    const places = await this.redis.command<(string | null)[]>('HMGET', this.#places, ...ids);
    return ids.flatMap((id, at) => {
      const place = places[at];
      if (!place) return [];
      const [, , name, , , hasCall] = JSON.parse(place) as Place;
      return [{ id, name, hasCall: hasCall === 1 }];
    });
  }

  /** Keeps the indexes on that these jobs are in. */
  async touch(records: readonly JobRecord[]): Promise<void> {
    const { keys, redis, ttl } = this;
    const indexes = new Set([
      ...['places', 'jobs', 'owners', 'ended:completed', 'ended:failed'],
      ...records.flatMap(({ name, state }) => [`name:${name}`, `state:${state}`]),
      ...records.flatMap(({ parentId }) => (parentId ? [`parent:${parentId}`] : [])),
    ]);
    await Promise.all(
      [...indexes].map((index) => redis.command('PEXPIRE', keys.index(index), ttl)),
    );
  }

  get #places(): string {
    return this.keys.index('places');
  }

  #sizes(indexes: readonly string[]): Promise<number[]> {
    return this.redis.run<number[]>(
      SIZES,
      indexes.map((index) => this.keys.index(index)),
      [],
    );
  }

  #range(
    index: string,
    from: string,
    to: string,
    limit: number,
    ...order: string[]
  ): Promise<string[]> {
    const range = [from, to, 'BYLEX', ...order, 'LIMIT', 0, limit];
    return this.redis.command<string[]>('ZRANGE', this.keys.index(index), ...range);
  }
}

function placingOf({ id, after, end }: Omit<Move, 'before'>): string {
  return JSON.stringify(end === undefined ? [id, after] : [id, after, end]);
}

function* portions<T>(all: readonly T[], size: number): Generator<readonly T[]> {
  for (let at = 0; at < all.length; at += size) yield all.slice(at, at + size);
}
