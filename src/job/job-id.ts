import { randomFillSync } from 'node:crypto';
import { v7, validate, version } from 'uuid';

/** How many random bytes an id takes, and for how many ids they are fetched at once. */
const BYTES = 16;
const STOCK = 256;

/** A new UUID v7: ordered by time, its random part from a cryptographic source, so neither guessable nor reused. */
export function newJobId(): string {
  return v7();
}

/** Such ids, in the order in which they are asked for. Random bytes are fetched for many at once: one by one they cost more than a job. */
export class JobIds {
  readonly #stock = new Uint8Array(BYTES * STOCK);
  #used = this.#stock.length;
  #msecs = 0;
  #seq = 0;

  next(): string {
    const random = this.#random();
    this.#advance(random);
    return v7({ random, msecs: this.#msecs, seq: this.#seq });
  }

  #random(): Uint8Array {
    if (this.#used === this.#stock.length) {
      randomFillSync(this.#stock);
      this.#used = 0;
    }
    return this.#stock.subarray(this.#used, (this.#used += BYTES));
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
