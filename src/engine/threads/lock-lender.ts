import type { MessagePort } from 'node:worker_threads';
import type { FileLocks, Release } from '../file-locks.js';
import { Line, type LineMessage } from './line.js';
import type { LockQuestion } from './thread-messages.js';

interface Lent {
  readonly patience: AbortController;
  release?: Release;
}

/** Takes locks for a thread, and gives back what it holds when it ends. */
export function lendLocks(locks: FileLocks, port: MessagePort): void {
  const lender = new LockLender(locks);
  const line = new Line<never, LockQuestion>(port, (question) => lender.answer(question));
  port.on('message', (message: LineMessage) => line.take(message));
  port.on('close', () => lender.close());
  port.unref();
}

class LockLender {
  readonly #lent = new Map<number, Lent>();

  constructor(private readonly locks: FileLocks) {}

  async answer(question: LockQuestion): Promise<void> {
    if (question.what === 'leave') return this.#leave(question.key);
    const { key, file, party, limit } = question;
    const lent: Lent = { patience: new AbortController() };
    this.#lent.set(key, lent);
    try {
      lent.release = await this.locks.take(file, party, { signal: lent.patience.signal, limit });
    } catch (error) {
      this.#lent.delete(key);
      throw error;
    }
    // The thread may have ended, or given up, in the very moment in which it was granted.
    if (!this.#lent.has(key)) lent.release();
  }

  close(): void {
    [...this.#lent.keys()].forEach((key) => this.#leave(key));
  }

  #leave(key: number): void {
    const lent = this.#lent.get(key);
    this.#lent.delete(key);
    lent?.patience.abort();
    lent?.release?.();
  }
}
