import type { ServerResponse } from 'node:http';
import type { Clock } from '../job/clock.js';
import type { LiveReader } from '../runtime/live-readers.js';

const SECOND = 1000;
/** Proxies cut connections that are idle for 30 or 60 s. */
const BEAT = 15 * SECOND;
/** A reader that takes nothing for so long is gone, whatever its connection says. It may come back where it was. */
const STALLED = 120 * SECOND;
/** How long a reader that takes nothing can keep an application from stopping. */
const GRACE = SECOND;

/** An answer that stays open. Writes only as fast as its reader takes it. */
export class OpenAnswer implements LiveReader {
  readonly closed: Promise<void>;
  readonly #ending = new AbortController();
  #isClosed = false;
  #isBlocked = false;

  constructor(
    private readonly raw: ServerResponse,
    private readonly clock: Clock,
  ) {
    this.closed = new Promise<void>((resolve) => {
      if (raw.destroyed || raw.closed) resolve();
      else raw.once('close', resolve);
    }).then(() => this.#close());
    // A connection that breaks is no error of the application.
    raw.on('error', () => {});
  }

  /** Aborted when there is no need for more: the reader is gone, or is to come back later. */
  get ending(): AbortSignal {
    return this.#ending.signal;
  }

  /** Lets the writer finish what it is at. */
  finish(): void {
    this.#ending.abort();
  }

  end(): void {
    this.finish();
    const timer = setTimeout(() => this.#drop(), GRACE);
    void this.closed.then(() => clearTimeout(timer));
  }

  /** Sends each frame when the one before is on its way. */
  async send(frames: AsyncIterable<string>, beat: string): Promise<void> {
    const stopBeat = beat === '' ? undefined : this.#startBeat(beat);
    try {
      for await (const frame of frames) {
        if (this.#isClosed) return;
        if (frame !== '' && !this.raw.write(frame)) await this.#drained();
      }
      this.raw.end();
      this.#dropWhenStalled();
    } catch (error) {
      // Not ended but cut, so that the reader knows that something is missing.
      this.#drop();
      throw error;
    } finally {
      stopBeat?.();
    }
  }

  #startBeat(beat: string): () => void {
    let stop = (): void => {};
    const next = (): void => {
      stop = this.clock.after(BEAT, () => {
        if (!this.#isClosed && !this.#isBlocked) this.raw.write(beat);
        next();
      });
    };
    next();
    return () => stop();
  }

  async #drained(): Promise<void> {
    this.#isBlocked = true;
    const stop = this.#dropWhenStalled();
    await Promise.race([new Promise((resolve) => this.raw.once('drain', resolve)), this.closed]);
    stop();
    this.#isBlocked = false;
  }

  #dropWhenStalled(): () => void {
    const stop = this.clock.after(STALLED, () => this.#drop());
    void this.closed.then(stop);
    return stop;
  }

  #drop(): void {
    this.raw.socket?.destroy();
  }

  #close(): void {
    this.#isClosed = true;
    this.#ending.abort();
  }
}
