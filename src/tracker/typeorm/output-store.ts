import type { Run } from './connections.js';
import type { OutputChunk, OutputGap, OutputPage } from '../../output/output-chunk.js';
import { jsonFor, jsonOf } from './job-row.js';
import type { Database } from './job-store.js';

/** The most text that goes into one row, in UTF-16 units. */
const LONGEST_ROW = 256 * 1024;

/** What was printed before the first attempt heads the output, whoever has started the job meanwhile. */
const CURRENT = 'id = ? AND (0 = ? OR (attempt = ? AND owner = ?))';

type StoredChunk = readonly [seq: number, stream: 0 | 1, text: string, attempt?: number];

/** Output that is to be stored for an attempt; with the gap where it has grown. */
export interface OutputBatch {
  readonly chunks: readonly OutputChunk[];
  readonly gap: OutputGap | undefined;
}

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
    const gapText = dialect.jsonText('output_gap');
    const { rows } = await connections.run(
      `SELECT ${gapText}, ${dialect.jsonText('chunks')} FROM ${tables.job} ` +
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
    for (const row of rowsOf(chunks)) await this.#insert(run, id, attempt, row);
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
    await run(sql, [...range, stored, id, attempt, attempt, owner]);
  }

  async #widenGap(run: Run, id: string, attempt: number, gap: OutputGap): Promise<void> {
    const { tables, dialect, owner } = this.db;
    const widen = `UPDATE ${tables.job} SET output_gap = ? WHERE ${CURRENT}`;
    await run(widen, [jsonFor(gap, dialect), id, attempt, attempt, owner]);
    await run(
      `DELETE FROM ${tables.output} WHERE job_id = ? AND first_seq >= ? AND last_seq <= ?`,
      [id, gap.first, gap.last],
    );
  }
}

/** What a reader is shown: no chunk that the size limit removed, nor one that it has. */
export function pageOf(
  chunks: readonly OutputChunk[],
  gap: OutputGap | undefined,
  after: number,
): OutputPage {
  const isKept = ({ seq }: OutputChunk): boolean =>
    seq > after && !(gap && seq >= gap.first && seq <= gap.last);
  const kept = chunks.filter(isKept);
  const shown = gap && gap.last > after ? gap : undefined;
  return {
    chunks: kept,
    gap: shown,
    last: Math.max(after, shown?.last ?? 0, kept.at(-1)?.seq ?? 0),
  };
}

/** The chunks, divided into rows that are not too large. */
function* rowsOf(chunks: readonly OutputChunk[]): Generator<OutputChunk[]> {
  let row: OutputChunk[] = [];
  let size = 0;
  for (const chunk of chunks) {
    row.push(chunk);
    size += chunk.text.length;
    if (size < LONGEST_ROW) continue;
    yield row;
    row = [];
    size = 0;
  }
  if (row.length > 0) yield row;
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
