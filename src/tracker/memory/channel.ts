import { Fifo } from '../../output/fifo.js';
import type {
  OutputAppend,
  OutputChunk,
  OutputGap,
  OutputPage,
} from '../../output/output-chunk.js';

/** The output of one job: chunks before the gap, chunks after it. */
export class Channel {
  readonly #head: OutputChunk[] = [];
  readonly #tail = new Fifo<OutputChunk>();
  #gap: OutputGap | undefined;
  #last = 0;

  append({ chunks, gap }: OutputAppend): void {
    for (const chunk of chunks) this.#add(chunk);
    if (gap) this.#drop(gap);
  }

  after(seq: number): OutputPage {
    return {
      chunks: [...this.#headAfter(seq), ...this.#tailAfter(seq)],
      gap: this.#gap && this.#gap.last > seq ? this.#gap : undefined,
      last: Math.max(seq, this.#last),
    };
  }

  // Numbers run without a gap within each part, so a number tells its place: a reader costs what it reads.
  #headAfter(seq: number): OutputChunk[] {
    const first = this.#head[0]?.seq ?? 0;
    return this.#head.slice(Math.max(0, seq + 1 - first));
  }

  #tailAfter(seq: number): OutputChunk[] {
    const first = this.#tail.peek()?.seq ?? 0;
    return this.#tail.slice(Math.max(0, seq + 1 - first));
  }

  #add(chunk: OutputChunk): void {
    this.#last = chunk.seq;
    if (this.#gap) this.#tail.push(chunk);
    else this.#head.push(chunk);
  }

  #drop(gap: OutputGap): void {
    if (!this.#gap) this.#moveToTail(this.#headAfter(gap.first - 1));
    this.#gap = gap;
    while ((this.#tail.peek()?.seq ?? Infinity) <= gap.last) this.#tail.shift();
  }

  #moveToTail(chunks: readonly OutputChunk[]): void {
    this.#head.length -= chunks.length;
    chunks.forEach((chunk) => this.#tail.push(chunk));
  }
}
