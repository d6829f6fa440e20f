import type { Run } from './connections.js';
import type { OutputChunk, OutputGap, OutputPage } from '../../output/output-chunk.js';
import { batchesOf, pageOf, type OutputBatch } from '../output-page.js';
import { jsonText } from './dialect.js';
import { jsonFor, jsonOf } from './job-row.js';
import type { Database } from './job-store.js';

/** What was printed before the first attempt heads the output, whoever has started the job meanwhile. */
const CURRENT = 'id = ? AND (0 = ? OR (attempt = ? AND owner = ? AND finished_at IS NULL))';

type StoredChunk = readonly [seq: number, stream: 0 | 1, text: string, attempt?: number];

/** Output in its table: one row for each time that something is stored. */
export class OutputStore {
  constructor(private readonly db: Database) {}

  /**
   * Does nothing where the attempt is no longer the current one, or no longer this process's. In this order a reader
   * in between finds nothing behind the gap before it has heard of the gap, and nothing missing in front of it.
   */
  async append(id: string, attempt: number, { chunks, gap }: OutputBatch, run: Run): Promise<void> {
    const first = gap?.first ?? Infinity;
    await this.#insertAll(
      run,
      id,
      attempt,
      chunks.filter(({ seq }) => seq < first),
    );
    if (gap) await this.#widenGap(run, id, attempt, gap);
    await this.#insertAll(
      run,
      id,
      attempt,
      chunks.filter(({ seq }) => seq >= first),
    );
  }

  async after(id: string, after: number): Promise<OutputPage | undefined> {
    const { connections, tables, dialect } = this.db;
    const gapText = jsonText(dialect, 'output_gap');
    const { rows } = await connections.run(
      `SELECT ${gapText}, ${jsonText(dialect, 'chunks')} FROM ${tables.job} ` +
        `LEFT JOIN ${tables.output} ON job_id = id AND last_seq > ? WHERE id = ? ORDER BY last_seq`,
      [Math.min(after, 2 ** 31 - 1), id],
    );
    if (!rows[0]) return undefined;
    const chunks = rows.flatMap((row) => chunksOf(row['chunks']));
    return pageOf(chunks, jsonOf(rows[0]['output_gap']) as OutputGap | undefined, after);
  }

  async #insertAll(
    run: Run,
    id: string,
    attempt: number,
    chunks: readonly OutputChunk[],
  ): Promise<void> {
    for (const row of batchesOf(chunks)) await this.#insert(run, id, attempt, row);
  }

  async #insert(run: Run, id: string, attempt: number, row: OutputChunk[]): Promise<void> {
    const { tables, dialect, owner } = this.db;
    const integer = dialect.typed('integer');
    const sql =
      `INSERT INTO ${tables.output} (job_id, last_seq, first_seq, chunks) ` +
      `SELECT id, ${integer}, ${integer}, ${dialect.typed('json')} FROM ${tables.job} ` +
      `WHERE ${CURRENT}${dialect.lockShared}`;
    const stored = jsonFor(row.map(toStored), dialect);
    const range = [row.at(-1)!.seq, row[0]!.seq];
    await run(sql, [...range, stored, id, attempt, attempt, owner], [id]);
  }

  async #widenGap(run: Run, id: string, attempt: number, gap: OutputGap): Promise<void> {
    const { tables, dialect, owner } = this.db;
    const widen = `UPDATE ${tables.job} SET output_gap = ? WHERE ${CURRENT}`;
    await run(widen, [jsonFor(gap, dialect), id, attempt, attempt, owner], [id]);
    await run(
      `DELETE FROM ${tables.output} WHERE job_id = ? AND first_seq >= ? AND last_seq <= ?`,
      [id, gap.first, gap.last],
    );
  }
}

function toStored({ seq, text, stream, attempt }: OutputChunk): StoredChunk {
  const stored = [seq, stream === 'stderr' ? 1 : 0, text] as const;
  return attempt === undefined ? stored : [...stored, attempt];
}

function chunksOf(stored: unknown): OutputChunk[] {
  const chunks = (jsonOf(stored) ?? []) as StoredChunk[];
  return chunks.map(([seq, stderr, text, attempt]) => {
    const chunk: OutputChunk = { seq, text, stream: stderr ? 'stderr' : 'stdout' };
    return attempt === undefined ? chunk : { ...chunk, attempt };
  });
}
