import type { JobStep } from '../../tracker/follow-job.js';

/** Writes a job, as it goes on, in one representation. Each piece stands for itself: a heartbeat may come between any two. */
export interface LiveWriter {
  /** At least so many ms between two looks at the job. */
  readonly pace: number;
  /** At most so many, if there is anything to write without news. */
  readonly rouse?: number;
  /** What keeps an idle connection from being cut; empty where every byte counts. */
  readonly beat: string;
  open(): string;
  step(step: JobStep): Iterable<string> | AsyncIterable<string>;
  /** After the last step; the job may go on, where the answer was ended before it. */
  close(): string;
}

/** No single write is much longer, so that a reader who does not read costs little. */
const LONGEST_PIECE = 65_536;

/** Joins short texts to pieces worth sending. */
export function* gathered(texts: Iterable<string>): Generator<string> {
  let piece = '';
  for (const text of texts) {
    piece += text;
    if (piece.length < LONGEST_PIECE) continue;
    yield piece;
    piece = '';
  }
  if (piece !== '') yield piece;
}
