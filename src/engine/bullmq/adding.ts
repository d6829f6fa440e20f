import { setImmediate } from 'node:timers';
import type { BulkJobOptions, Queue } from 'bullmq';
import type { Message } from './message.js';

/** How many go out together: few enough that nothing else waits for long. */
const MOST = 200;

/** A job for the queue, as BullMQ takes it. */
export interface Addition {
  readonly name: string;
  readonly data: Message;
  readonly opts: BulkJobOptions;
}

interface Waiting {
  readonly addition: Addition;
  resolve(id: string): void;
  reject(error: unknown): void;
}

/** Puts jobs into the queue in the order in which they come; what comes while others are on their way goes together. */
export class Adding {
  #waiting: Waiting[] = [];
  #isBusy = false;

  constructor(private readonly queue: Queue) {}

  /** The id of the job that the queue has: this one, or one with the same key. */
  add(addition: Addition): Promise<string> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ addition, resolve, reject });
      if (this.#isBusy) return;
      this.#isBusy = true;
      setImmediate(() => void this.#addAll());
    });
  }

  /** One lot after the other: those of two on their way could come in on different connections. */
  async #addAll(): Promise<void> {
    while (this.#waiting.length > 0) await this.#addSome(this.#waiting.splice(0, MOST));
    this.#isBusy = false;
  }

  async #addSome(some: readonly Waiting[]): Promise<void> {
    try {
      const jobs = await this.queue.addBulk(some.map(({ addition }) => addition));
      some.forEach(({ resolve }, at) => resolve(jobs[at]!.id!));
    } catch (error) {
      some.forEach(({ reject }) => reject(error));
    }
  }
}
