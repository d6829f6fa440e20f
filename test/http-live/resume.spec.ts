import { describe, expect, it } from '@jest/globals';
import type { JobEvent } from '../../src/index.js';
import { startAt } from '../support/http.js';
import { failOnLeaks } from '../support/leaks.js';
import { Printer, PRINTER } from '../support/printer.js';
import { readSome, sseFrames } from '../support/reader.js';
import { PLATFORMS, startApp, type TestApp } from '../support/test-app.js';

/** How often a reader is cut off or changes how it reads, on each platform. */
const DISCONNECTS = Number(process.env['DISCONNECTS'] ?? 400);
const READERS = 25;
const WHOLE = Number.MAX_SAFE_INTEGER;

failOnLeaks();

/** Numbers that look like chance and are the same in every run with the same seed. */
function chance(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const PIECES = [
  'x',
  'é',
  '漢字',
  '🦊',
  '\u202e',
  '\u2028',
  '\r',
  '"',
  '\\',
  'data: ',
  '\n\n',
  'id: 7',
  '\u0000',
];

function someLine(dice: (below: number) => number): string {
  const length = dice(50) === 0 ? 3_000 : dice(12);
  return Array.from({ length }, () => PIECES[dice(PIECES.length)]!).join('');
}

/** Puts a transcript together from whatever it gets to see. */
class PatchworkReader {
  text = '';
  #after = 0;
  /** What was read without numbers: text that must be found at this place. */
  readonly #seen: { at: number; text: string }[] = [];

  constructor(
    private readonly app: TestApp,
    private readonly location: string,
    private readonly dice: (below: number) => number,
  ) {}

  /** Reads for some bytes in some representation. */
  async readOn(bytes = this.dice(4) === 0 ? 0 : this.dice(6_000)): Promise<void> {
    const ways = [this.#sse, this.#sse, this.#ndjson, this.#ndjson, this.#json, this.#text];
    await (ways[this.dice(ways.length + 1)] ?? this.#follow).call(this, bytes + 1);
  }

  readToTheEnd(): Promise<void> {
    return this.dice(2) === 0 ? this.#sse(WHOLE) : this.#ndjson(WHOLE);
  }

  /** Whether all that was read without numbers stood where it was read. */
  isConsistent(): boolean {
    return this.#seen.every(({ at, text }) => this.text.startsWith(text, at));
  }

  async #sse(bytes: number): Promise<void> {
    const headers = { accept: 'text/event-stream' };
    const resumed = this.dice(2) === 0 && this.#after > 0;
    const path = resumed ? this.location : `${this.location}&_after=${this.#after}`;
    const last: Record<string, string> = resumed ? { 'last-event-id': String(this.#after) } : {};
    const { body } = await readSome(this.app, path, { ...headers, ...last }, bytes);
    for (const { event, data } of sseFrames(body.toString())) {
      if (event === 'output') this.#take(JSON.parse(data!) as JobEvent);
    }
  }

  async #ndjson(bytes: number): Promise<void> {
    const headers = { accept: 'application/x-ndjson' };
    const path = `${this.location}&_after=${this.#after}`;
    const { body } = await readSome(this.app, path, headers, bytes);
    const lines = body.toString().split('\n').slice(0, -1).filter(Boolean);
    lines.forEach((line) => this.#take(JSON.parse(line) as JobEvent));
  }

  async #json(): Promise<void> {
    const headers = { accept: 'application/json' };
    const response = await this.app.fetch(`${this.location}&_after=${this.#after}`, { headers });
    const { output, next } = (await response.json()) as { output: string; next: number };
    this.text += output;
    this.#after = next;
  }

  async #text(): Promise<void> {
    const response = await this.app.fetch(`${this.location}&_after=${this.#after}`);
    this.text += await response.text();
    this.#after = Number(response.headers.get('x-job-next'));
  }

  async #follow(bytes: number): Promise<void> {
    const path = `${this.location}&_after=${this.#after}&_follow=1`;
    const { body } = await readSome(this.app, path, {}, bytes);
    // A character that was cut in two is no character yet.
    const text = new TextDecoder().decode(body, { stream: true });
    this.#seen.push({ at: this.text.length, text });
  }

  #take(event: JobEvent): void {
    if (event.type !== 'output') return;
    const next = this.#after + 1;
    // Asked first, because expect() would take longer than all the reading.
    if (event.seq !== next) expect(event.seq).toBe(next);
    this.text += event.text;
    this.#after = event.seq;
  }
}

describe.each(PLATFORMS)('Readers on %s that are cut off and change how they read', (platform) => {
  it(
    `have the job’s output byte for byte after ${DISCONNECTS} times`,
    async () => {
      const output = { maxBytes: 256 * 1024 * 1024, console: 'capture' } as const;
      await using app = await startApp({ ...PRINTER, platform, background: { output } });
      const location = await startAt(app, '/print');
      const printer = app.get(Printer);
      await printer.started.opened;
      const dice = chance(42);
      const printed: string[] = [];
      const printing = setInterval(() => {
        const line = someLine(dice);
        printed.push(`${line}\n`);
        printer.job.print('%s', line);
      }, 2);
      const readers = Array.from(
        { length: READERS },
        (_, seed) => new PatchworkReader(app, location, chance(seed)),
      );
      await Promise.all(
        readers.map(async (reader) => {
          for (let times = 0; times < DISCONNECTS / READERS; times++) await reader.readOn();
        }),
      );
      clearInterval(printing);
      printer.end.open();
      await Promise.all(readers.map((reader) => reader.readToTheEnd()));
      const whole = printed.join('');
      expect(whole.length).toBeGreaterThan(10_000);
      for (const reader of readers) {
        expect(reader.text === whole).toBe(true);
        expect(reader.isConsistent()).toBe(true);
      }
    },
    60_000 + DISCONNECTS * 50,
  );
});
