import type { FinishedJobs } from '../retention-keeper.js';
import type { JobIndex } from './job-index.js';
import type { JobStore } from './job-store.js';
import type { Keys } from './keys.js';
import type { RedisConnection } from './redis-connection.js';

/** One process in a minute is enough to put the indexes in order. */
const TIDY_PAUSE = 50_000;
const PORTION = 500;

type Ended = readonly [id: string, at: number];

/** The jobs that are over, sorted by their end. */
export class EndedJobs implements FinishedJobs {
  constructor(
    private readonly redis: RedisConnection,
    private readonly keys: Keys,
    private readonly jobs: JobStore,
    private readonly index: JobIndex,
  ) {}

  async due(ends: { completed: number; failed: number }, limit: number): Promise<string[]> {
    const found = await Promise.all(
      (['completed', 'failed'] as const).map((kind) =>
        this.redis.command<string[]>(
          ...this.#range(kind, ['-inf', ends[kind], 'BYSCORE', 'LIMIT', 0, limit]),
        ),
      ),
    );
    return found.flat();
  }

  async tooMany(count: number, limit: number): Promise<string[]> {
    const { completed, failed, cancelled } = await this.index.counts();
    const surplus = Math.min(limit, completed + failed + cancelled - count);
    if (surplus <= 0) return [];
    const oldest = await this.#oldest(surplus);
    return oldest.slice(0, surplus).map(([id]) => id);
  }

  async oldest(): Promise<{ completed: number; failed: number }> {
    const [[completed], [failed]] = await Promise.all([
      this.#oldestOf('completed', 1),
      this.#oldestOf('failed', 1),
    ]);
    return { completed: completed?.[1] ?? Infinity, failed: failed?.[1] ?? Infinity };
  }

  forget(ids: readonly string[]): Promise<void> {
    return this.jobs.forget(ids);
  }

  /** Jobs whose processes died are gone by themselves, and only then from the indexes. */
  async tidy(): Promise<void> {
    const lock = this.keys.index('tidy');
    if (!(await this.redis.command('SET', lock, '1', 'PX', TIDY_PAUSE, 'NX'))) return;
    for await (const { state, ids } of this.index.unfinished(PORTION)) {
      await this.jobs.tidy(ids, state);
    }
  }

  async #oldest(limit: number): Promise<Ended[]> {
    const kinds = await Promise.all([
      this.#oldestOf('completed', limit),
      this.#oldestOf('failed', limit),
    ]);
    return kinds.flat().sort(([, a], [, b]) => a - b);
  }

  async #oldestOf(kind: 'completed' | 'failed', limit: number): Promise<Ended[]> {
    const flat = await this.redis.command<string[]>(
      ...this.#range(kind, [0, limit - 1, 'WITHSCORES']),
    );
    return flat.flatMap((id, at) => (at % 2 === 0 ? [[id, Number(flat[at + 1])] as const] : []));
  }

  #range(
    kind: string,
    range: readonly (string | number)[],
  ): [string, string, ...(string | number)[]] {
    return ['ZRANGE', this.keys.index(`ended:${kind}`), ...range];
  }
}
