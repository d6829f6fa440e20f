import type { OutputStream } from '../job/job-event.js';
import type { OutputAppend, OutputChunk, OutputGap, OutputPage } from './output-chunk.js';
import { Fifo } from './fifo.js';

/** The longest chunk, in UTF-16 units, so that one huge line can be cut and sent in pieces. */
const LONGEST_CHUNK = 16_384;

/**
 * Numbers what a job prints and keeps it within a size: the first half of `maxBytes` and the last are kept,
 * what lies between is dropped and counted.
 */
export class OutputWriter {
  #seq = 0;
  #headBytes = 0;
  #tailBytes = 0;
  #tail: Fifo<number> | undefined;
  #gap: OutputGap | undefined;

  constructor(
    private readonly maxBytes: number,
    private readonly append: (output: OutputAppend) => void,
  ) {}

  /** Goes on where earlier attempts ended, of which nothing but their output is left. */
  resume({ chunks, gap, last }: OutputPage): void {
    this.#seq = last;
    for (const { seq, text } of chunks) {
      if (gap && seq > gap.last) this.#tail ??= new Fifo();
      this.#count(Buffer.byteLength(text));
    }
    if (gap) this.#tail ??= new Fifo();
    this.#gap = gap;
  }

  /** @param attempt Counted from 1. */
  write(text: string, stream: OutputStream, attempt = 1): void {
    if (text === '') return;
    for (const piece of pieces(text, this.#longestPiece())) this.#take(piece, stream, attempt);
  }

  #longestPiece(): number {
    return Math.min(LONGEST_CHUNK, Math.max(1, Math.floor(this.maxBytes / 8)));
  }

  #take(text: string, stream: OutputStream, attempt: number): void {
    const piece = { seq: ++this.#seq, text, stream };
    const chunk: OutputChunk = attempt > 1 ? { ...piece, attempt } : piece;
    this.#count(Buffer.byteLength(text));
    this.append({ chunks: [chunk], gap: this.#gap });
  }

  #count(bytes: number): void {
    if (!this.#tail && this.#headBytes + bytes <= this.maxBytes / 2) {
      this.#headBytes += bytes;
      return;
    }
    this.#tail ??= new Fifo();
    this.#tail.push(bytes);
    this.#tailBytes += bytes;
    while (this.#headBytes + this.#tailBytes > this.maxBytes) this.#dropOldest(this.#tail);
  }

  #dropOldest(tail: Fifo<number>): void {
    const last = this.#seq - tail.length + 1;
    const bytes = tail.shift() ?? 0;
    this.#tailBytes -= bytes;
    this.#gap = {
      first: this.#gap?.first ?? last,
      last,
      bytes: (this.#gap?.bytes ?? 0) + bytes,
    };
  }
}

/** The text in pieces of at most `longest` units, never cut between the two halves of a character. */
function* pieces(text: string, longest: number): Generator<string> {
  if (text.length <= longest) {
    yield text;
    return;
  }
  for (let start = 0; start < text.length;) {
    let end = Math.min(start + longest, text.length);
    if (end < text.length && isHighSurrogate(text.charCodeAt(end - 1))) end += 1;
    yield text.slice(start, end);
    start = end;
  }
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}
