import type { OutputChunk, OutputGap, OutputPage } from '../output/output-chunk.js';

/** The most text of a batch, in UTF-16 units. */
const LONGEST_BATCH = 256 * 1024;

/** Output that is to be stored for an attempt; with the gap where it has grown. */
export interface OutputBatch {
  readonly chunks: readonly OutputChunk[];
  readonly gap: OutputGap | undefined;
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

/** The chunks, divided into batches that are not too large to be stored at once. */
export function* batchesOf(chunks: readonly OutputChunk[]): Generator<OutputChunk[]> {
  let batch: OutputChunk[] = [];
  let size = 0;
  for (const chunk of chunks) {
    batch.push(chunk);
    size += chunk.text.length;
    if (size < LONGEST_BATCH) continue;
    yield batch;
    batch = [];
    size = 0;
  }
  if (batch.length > 0) yield batch;
}
