/** A client that watches a job over an answer that stays open. */
export interface LiveReader {
  /** Tells it what there is, and ends its answer. */
  end(): void;
  /** Fulfilled when the answer is closed. */
  readonly closed: Promise<void>;
}

/** Everybody who watches a job over an open answer, so that an application that stops can end them. */
export class LiveReaders {
  readonly #readers = new Set<LiveReader>();
  #isClosing = false;

  join(reader: LiveReader): void {
    this.#readers.add(reader);
    void reader.closed.then(() => this.#readers.delete(reader));
    if (this.#isClosing) reader.end();
  }

  get count(): number {
    return this.#readers.size;
  }

  /** Whether the application stops, so that nobody can come back to it. */
  get closing(): boolean {
    return this.#isClosing;
  }

  /** Ends all of them, and whoever comes later as soon as it has seen what there is. */
  async close(): Promise<void> {
    this.#isClosing = true;
    const readers = [...this.#readers];
    readers.forEach((reader) => reader.end());
    await Promise.all(readers.map((reader) => reader.closed));
  }
}
