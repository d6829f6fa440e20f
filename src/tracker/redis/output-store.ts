import type { OutputChunk, OutputGap, OutputPage } from '../../output/output-chunk.js';
import { batchesOf, pageOf, type OutputBatch } from '../output-page.js';
import type { Keys } from './keys.js';
import type { RedisConnection } from './redis-connection.js';
import { APPEND, READ_OUTPUT } from './scripts.js';

/** An entry of a stream: its id, and one field whose name tells the kind of the text. */
type Entry = readonly [id: string, field: readonly [kind: string, text: string]];

/** Output in streams: an entry for each chunk, whose id is its number. */
export class OutputStore {
  constructor(
    private readonly redis: RedisConnection,
    private readonly keys: Keys,
    private readonly owner: string,
  ) {}

  /** Does nothing where the attempt is no longer the current one, or no longer this process's. */
  async append(id: string, attempt: number, { chunks, gap }: OutputBatch): Promise<void> {
    const batches = [...batchesOf(chunks)];
    // The gap comes with the last of them, so that no reader finds a place empty of which it has not heard.
    const last = batches.pop() ?? [];
    for (const batch of batches) await this.#append(id, attempt, { chunks: batch, gap: undefined });
    await this.#append(id, attempt, { chunks: last, gap });
  }

  async after(id: string, after: number): Promise<OutputPage | undefined> {
    const keys = [this.keys.job(id), this.keys.output(id)];
    const answer = await this.redis.run<[gap: string | null, entries: Entry[]] | null>(
      READ_OUTPUT,
      keys,
      [after],
    );
    if (!answer) return undefined;
    const [gap, entries] = answer;
    return pageOf(
      entries.map(chunkOf),
      gap === null ? undefined : (JSON.parse(gap) as OutputGap),
      after,
    );
  }

  async #append(id: string, attempt: number, { chunks, gap }: OutputBatch): Promise<void> {
    const { redis, keys, owner } = this;
    const dropped = gap ? [JSON.stringify(gap), gap.first, gap.last] : ['', 0, 0];
    await redis.run(
      APPEND,
      [keys.job(id), keys.output(id)],
      [attempt, owner, id, keys.inbox(''), ...dropped, ...chunks.flatMap(entryOf)],
    );
  }
}

/** The kind is the first letter of its stream, and the attempt where that is not the first. */
function entryOf({ seq, text, stream, attempt }: OutputChunk): [number, string, string] {
  return [seq, `${stream === 'stderr' ? 'e' : 'o'}${attempt ?? ''}`, text];
}

function chunkOf([id, [kind, text]]: Entry): OutputChunk {
  const chunk: OutputChunk = {
    seq: Number(id.slice(0, id.indexOf('-'))),
    text,
    stream: kind.startsWith('e') ? 'stderr' : 'stdout',
  };
  return kind.length > 1 ? { ...chunk, attempt: Number(kind.slice(1)) } : chunk;
}
