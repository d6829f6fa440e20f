import { randomFillSync } from 'node:crypto';
import { v7, validate, version } from 'uuid';

/** How many random bytes an id takes, and for how many ids they are fetched at once. */
const BYTES = 16;
const STOCK = 256;

/** A new UUID v7: ordered by time, its random part from a cryptographic source, so neither guessable nor reused. */
export function newJobId(): string {
  return v7();
}

/** The codes of the digits. */
const DIGITS = Buffer.from('0123456789abcdef');
/** Before which bytes there is a dash. */
const DASHES = new Set([4, 6, 8, 10]);

/** Such ids, in the order in which they are asked for. Random bytes are fetched for many at once: one by one they cost more than a job. */
export class JobIds {
  readonly #stock = new Uint8Array(BYTES * STOCK);
  readonly #random = Array.from({ length: STOCK }, (_, place) =>
    this.#stock.subarray(place * BYTES, (place + 1) * BYTES),
  );
  #used = STOCK;
  #msecs = 0;
  #seq = 0;
  readonly #id = new Uint8Array(BYTES);
  readonly #text = Buffer.alloc(2 * BYTES + DASHES.size, '-');

  next(): string {
    const random = this.#nextRandom();
    this.#advance(random);
    v7({ random, msecs: this.#msecs, seq: this.#seq }, this.#id);
    return this.#format();
  }

  #nextRandom(): Uint8Array {
    if (this.#used === STOCK) {
      randomFillSync(this.#stock);
      this.#used = 0;
    }
    return this.#random[this.#used++]!;
  }

  /** A text in one piece: one that is added up from its digits takes ten times the memory. */
  #format(): string {
    let place = 0;
    for (let byte = 0; byte < BYTES; byte++) {
      if (DASHES.has(byte)) place += 1;
      this.#text[place++] = DIGITS[this.#id[byte]! >> 4]!;
      this.#text[place++] = DIGITS[this.#id[byte]! & 15]!;
    }
    return this.#text.toString('latin1');
  }

  /** Counted on within a millisecond, from a random number; when that overflows, the time goes on. */
  #advance(random: Uint8Array): void {
    const now = Date.now();
    if (now > this.#msecs) {
      this.#msecs = now;
      this.#seq = new DataView(random.buffer, random.byteOffset).getUint32(6) >>> 1;
      return;
    }
    this.#seq = (this.#seq + 1) | 0;
    if (this.#seq === 0) this.#msecs += 1;
  }
}

/** Whether a text that came from outside has the form of an id. */
export function isJobId(text: unknown): text is string {
  return typeof text === 'string' && validate(text) && version(text) === 7;
}
