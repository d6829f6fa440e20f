import type { MaybePromise } from '../job/maybe-promise.js';
import type { OutputGap, OutputPage } from './output-chunk.js';

/**
 * The page for one who has seen the output up to a number. Where that lies in what was dropped meanwhile, less is missing
 * than was dropped: how much is not known, but at most that.
 */
export function pageFor(page: OutputPage, after: number): OutputPage {
  const { gap } = page;
  if (!gap || gap.first > after) return page;
  return { ...page, gap: { ...gap, first: after + 1, atMost: true } };
}

/** What a reader has seen as it follows a job, so that it can be told how much it has missed. */
export class SeenOutput {
  /** Bytes from the beginning to where the reader is, dropped ones too; unknown for one who resumes. */
  #position: number | undefined;
  /** Bytes before the gap. */
  #head: number | undefined;

  /** @param head Gives the bytes before a gap; asked only where they are not known. */
  constructor(
    after: number,
    private readonly head: (gap: OutputGap) => Promise<number>,
  ) {
    this.#position = after === 0 ? 0 : undefined;
  }

  /** The page as it is for the reader, who has seen the output up to a number. */
  next(page: OutputPage, after: number): MaybePromise<OutputPage> {
    if (page.gap) return this.#afterGap(page, page.gap, after);
    if (this.#position !== undefined) this.#position += bytesOf(page, 1, Infinity);
    return page;
  }

  async #afterGap(page: OutputPage, gap: OutputGap, after: number): Promise<OutputPage> {
    const position = this.#position;
    this.#head ??= this.#headIn(page, gap, after) ?? (await this.head(gap));
    this.#position = this.#head + gap.bytes + bytesOf(page, gap.last + 1, Infinity);
    if (gap.first > after || position === undefined) return pageFor(page, after);
    const bytes = this.#head + gap.bytes - position;
    return { ...page, gap: { ...gap, first: after + 1, bytes } };
  }

  /** Where the page begins before the gap. */
  #headIn(page: OutputPage, { first }: OutputGap, after: number): number | undefined {
    if (after >= first || this.#position === undefined) return undefined;
    return this.#position + bytesOf(page, 1, first - 1);
  }
}

/** How many bytes the chunks have from one number to another. */
export function bytesOf({ chunks }: OutputPage, from: number, to: number): number {
  let bytes = 0;
  for (const { seq, text } of chunks) {
    if (seq >= from && seq <= to) bytes += Buffer.byteLength(text);
  }
  return bytes;
}
