import { setTimeout as wait } from 'node:timers/promises';
import type { Job, Worker } from 'bullmq';
import { randomUUID } from 'node:crypto';

export interface Fetching {
  readonly worker: Worker;
  /** Whether one more may be fetched now. */
  hasRoom(): boolean;
  /** Ends the waiting for a job, for good. */
  interrupt(): Promise<void>;
  /** Takes a job that was fetched. */
  take(job: Job, token: string): void;
  failed(error: unknown): void;
}

const PAUSE = 1_000;
/** How long what is just being fetched may take to come, at the end; in ms. */
const LAST_ANSWER = 2_000;

/**
 * Fetches jobs one by one while there is room. BullMQ's own loop would not do: how many run at once changes while jobs
 * wait for each other, and what is fetched too late must be handed back.
 */
export class WorkLoop {
  #stopped = false;
  #roomier: () => void = () => {};
  #looping: Promise<void> | undefined;
  #ending: Promise<void> | undefined;
  readonly #stopping = new AbortController();

  constructor(private readonly fetching: Fetching) {}

  start(): void {
    void this.fetching.worker.startStalledCheckTimer();
    this.#looping = this.#loop();
  }

  /** There may be room now where there was none. */
  lookAgain(): void {
    this.#roomier();
  }

  /** Fulfilled when nothing is being fetched any more. */
  stop(): Promise<void> {
    return (this.#ending ??= this.#end());
  }

  async #end(): Promise<void> {
    this.#stopped = true;
    this.#stopping.abort();
    this.#roomier();
    const { worker, interrupt, failed } = this.fetching;
    // What has been fetched is still answered for, over another connection: only the waiting ends here.
    await interrupt().catch(failed);
    // Where the queue is away, nothing more is fetched, and nothing tells so.
    await Promise.race([this.#looping, wait(LAST_ANSWER, undefined, { ref: false })]);
    void worker.close(true).catch(failed);
  }

  async #loop(): Promise<void> {
    while (!this.#stopped) {
      if (!this.fetching.hasRoom()) await new Promise<void>((resolve) => (this.#roomier = resolve));
      else await this.#fetch();
    }
  }

  async #fetch(): Promise<void> {
    const token = randomUUID();
    try {
      const job = await this.fetching.worker.getNextJob(token, { block: true });
      if (job) this.fetching.take(job, token);
    } catch (error) {
      if (this.#stopped) return;
      this.fetching.failed(error);
      await wait(PAUSE, undefined, this.#stopping).catch(() => undefined);
    }
  }
}
