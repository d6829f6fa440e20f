import type { OutputStream } from '../job/job-event.js';

/** One piece of a job's output, numbered from 1 without a gap. */
export interface OutputChunk {
  readonly seq: number;
  readonly text: string;
  readonly stream: OutputStream;
  /** The attempt that wrote it, from the second on: the page keeps attempts apart. */
  readonly attempt?: number;
}

/** What the size limit removed: the chunks from `first` to `last`, between the head and the tail that are kept. */
export interface OutputGap {
  readonly first: number;
  readonly last: number;
  readonly bytes: number;
  /** A reader has had some of them before they were removed: `bytes` is the most that it can have missed. */
  readonly atMost?: true;
}

/** New chunks, and the gap as it is after them: chunks in it are to be removed. */
export interface OutputAppend {
  readonly chunks: readonly OutputChunk[];
  readonly gap: OutputGap | undefined;
}

/** The output of a job after some number. */
export interface OutputPage {
  readonly chunks: readonly OutputChunk[];
  /** Present where the page covers it. */
  readonly gap: OutputGap | undefined;
  /** The number to ask after for what comes next. */
  readonly last: number;
}
