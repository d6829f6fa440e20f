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

/** Whatever has an id. Where that is made on first read, most are never made. */
export interface JobKey {
  /** A UUID v7. */
  readonly id: string;
}

/** Many ids of one millisecond, each with a place of its own: what comes first has the lower place, and the lower id. */
export class Moment {
  #places = 0;

  constructor(
    readonly msecs: number,
    /** A random number below 2 ** 31, from which the places are counted on. */
    private readonly first: number,
  ) {}

  get isFull(): boolean {
    return this.#places === MOST_PLACES;
  }

  take(): number {
    return this.#places++;
  }

  seqOf(place: number): number {
    return (this.first + place) | 0;
  }
}

/** With the first of them below 2 ** 31 this is the last for which the count does not overflow. */
const MOST_PLACES = 2 ** 31 - 1;

/**
 * Such ids, in the order in which their places are taken. The text costs more than all else that there is to a short job,
 * and may be made later. Random bytes are fetched for many at once: one by one they cost more than a job.
 */
export class JobIds {
  readonly #stock = new Uint8Array(BYTES * STOCK);
  readonly #random = Array.from({ length: STOCK }, (_, place) =>
    this.#stock.subarray(place * BYTES, (place + 1) * BYTES),
  );
  #used = STOCK;
  #moment = new Moment(0, 0);
  readonly #id = new Uint8Array(BYTES);
  readonly #text = Buffer.alloc(2 * BYTES + DASHES.size, '-');

  next(): string {
    const moment = this.momentOf(Date.now());
    return this.idAt(moment, moment.take());
  }

  /** Where an id of this time may take its place. A clock that goes back finds the latest moment there was. */
  momentOf(now: number): Moment {
    if (now <= this.#moment.msecs && !this.#moment.isFull) return this.#moment;
    const random = this.#nextRandom();
    const first = new DataView(random.buffer, random.byteOffset).getUint32(6) >>> 1;
    return (this.#moment = new Moment(Math.max(now, this.#moment.msecs + 1), first));
  }

  /** The id of a place. Each time another one: whoever asks keeps it. */
  idAt(moment: Moment, place: number): string {
    const random = this.#nextRandom();
    v7({ random, msecs: moment.msecs, seq: moment.seqOf(place) }, this.#id);
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
}

/** Whether a text that came from outside has the form of an id. */
export function isJobId(text: unknown): text is string {
  return typeof text === 'string' && validate(text) && version(text) === 7;
}
