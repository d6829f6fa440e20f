import { MessageChannel, type MessagePort } from 'node:worker_threads';
import type { FileLocks, LockParty, Release, WaitRules } from '../file-locks.js';
import { Line, type LineMessage } from './line.js';
import type { LockQuestion } from './thread-messages.js';

/** In a thread: asks the main thread for the locks of database files, so that nobody waits with a thread standing still. */
export class LockBorrower implements FileLocks {
  readonly #line: Line<LockQuestion, never>;
  #lastKey = 0;
  #otherEnd: MessagePort | undefined;

  constructor() {
    const { port1, port2 } = new MessageChannel();
    this.#otherEnd = port2;
    this.#line = new Line(port1, () =>
      Promise.reject(new Error('Nothing is asked of a borrower.')),
    );
    port1.on('message', (message: LineMessage) => this.#line.take(message));
    port1.unref();
  }

  /** To be sent to the main thread, once. */
  handOutLine(): MessagePort | undefined {
    const port = this.#otherEnd;
    this.#otherEnd = undefined;
    return port;
  }

  async take(file: string, party: LockParty, { signal, limit }: WaitRules = {}): Promise<Release> {
    signal?.throwIfAborted();
    const key = ++this.#lastKey;
    const leave = (): void => void this.#line.ask({ what: 'leave', key });
    signal?.addEventListener('abort', leave, { once: true });
    try {
      await this.#line.ask({ what: 'take', key, file, party, limit });
    } catch (error) {
      throw signal?.aborted ? signal.reason : error;
    } finally {
      signal?.removeEventListener('abort', leave);
    }
    // It was given up while the lock was on its way: the wish to leave has overtaken nobody, and is granted.
    signal?.throwIfAborted();
    return leave;
  }
}
