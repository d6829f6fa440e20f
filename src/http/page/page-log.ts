import type { OutputChunk, OutputGap, OutputPage } from '../../output/output-chunk.js';
import { AnsiText } from './ansi.js';
import { markup } from './html.js';

/** The output of a job as HTML, page after page: colours go on from one to the next, attempts are kept apart. */
export class PageLog {
  readonly #text = new AnsiText();
  #attempt = 1;

  *parts({ chunks, gap }: OutputPage): Generator<string> {
    const before = gap ? chunks.filter(({ seq }) => seq < gap.first) : chunks;
    yield* this.#runs(before);
    if (!gap) return;
    yield gapPart(gap);
    yield* this.#runs(chunks.slice(before.length));
  }

  *#runs(chunks: readonly OutputChunk[]): Generator<string> {
    for (let start = 0; start < chunks.length;) {
      const end = endOfRun(chunks, start);
      yield* this.#part(chunks.slice(start, end));
      start = end;
    }
  }

  *#part(run: readonly OutputChunk[]): Generator<string> {
    const [{ stream, attempt = 1 }] = run as [OutputChunk];
    if (attempt !== this.#attempt)
      yield markup`<b slot="log" class="attempt">Attempt ${attempt}</b>`.text;
    this.#attempt = attempt;
    const content = this.#text.html(run.map(({ text }) => text).join(''));
    if (content === '') return;
    yield `<span slot="log"${stream === 'stderr' ? ' class="err"' : ''}>${content}</span>`;
  }
}

const LONGEST_RUN = 200;

/** Chunks of one stream and attempt go into one element. */
function endOfRun(chunks: readonly OutputChunk[], start: number): number {
  const { stream, attempt } = chunks[start]!;
  let end = start + 1;
  while (
    end < Math.min(chunks.length, start + LONGEST_RUN) &&
    chunks[end]!.stream === stream &&
    chunks[end]!.attempt === attempt
  ) {
    end += 1;
  }
  return end;
}

function gapPart({ bytes, atMost }: OutputGap): string {
  const most = atMost && 'Up to ';
  return markup`<span slot="log" class="gap">${most}${bytes} bytes of output were dropped here: of much output the first lines and the last are kept.</span>`
    .text;
}
