import { clearImmediate, clearTimeout, setImmediate, setTimeout } from 'node:timers';
import { TrackerUnavailableError } from '../../errors/tracker.errors.js';
import { isCluster, PATIENCE, type RedisClient } from './redis-client.js';
import type { Script } from './scripts.js';

/** Answers that say that Redis cannot serve anybody now, rather than that the command was wrong. */
const NOT_NOW =
  /^(LOADING|READONLY|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|OOM|MISCONF|NOREPLICAS|NOAUTH|WRONGPASS|UNKILLABLE|BUSY)\b/;
const NO_SUCH_SCRIPT = /^NOSCRIPT\b/;

/** Between two tries of what is tried until Redis is back; in ms. */
const PAUSE = 100;

/** The way of commands to Redis: each is answered or refused within seconds. */
export class RedisConnection {
  readonly isCluster: boolean;
  readonly #waiting = new Set<() => void>();
  #hurries = false;

  constructor(
    readonly client: RedisClient,
    /** How long is tried what nobody waits for; in ms. */
    private readonly endurance: number,
  ) {
    this.isCluster = isCluster(client);
    client.on('ready', () => [...this.#waiting].forEach((goOn) => goOn()));
  }

  /** @throws TrackerUnavailableError */
  command<T>(name: string, ...values: (string | number)[]): Promise<T> {
    return this.#answered(() => this.client.call(name, ...values) as Promise<T>);
  }

  /** Runs a program, of which Redis is sent no more than the hash where it knows it. @throws TrackerUnavailableError */
  async run<T>(
    { sha, text }: Script,
    keys: readonly string[],
    values: readonly (string | number)[],
  ): Promise<T> {
    const rest = [keys.length, ...keys, ...values];
    try {
      return await this.command<T>('EVALSHA', sha, ...rest);
    } catch (error) {
      if (!NO_SUCH_SCRIPT.test(messageOf(error))) throw error;
      return this.command<T>('EVAL', text, ...rest);
    }
  }

  /** Tries again until Redis is back: for what must be stored some time, and keeps nobody waiting. */
  patiently<T>(work: () => Promise<T>): Promise<T> {
    return work().catch((error: unknown) => this.#persist(work, error));
  }

  async #persist<T>(work: () => Promise<T>, first: unknown): Promise<T> {
    const deadline = performance.now() + this.endurance;
    for (let error = first; ;) {
      const isOver = this.#hurries || performance.now() > deadline;
      if (isOver || !(error instanceof TrackerUnavailableError)) throw error;
      await this.#pause();
      try {
        return await work();
      } catch (next) {
        error = next;
      }
    }
  }

  /** Until there is a connection again, or a moment is over. */
  async #pause(): Promise<void> {
    await new Promise<void>((resolve) => {
      const goOn = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(goOn);
        resolve();
      };
      const timer = setTimeout(goOn, PAUSE);
      this.#waiting.add(goOn);
    });
  }

  /** From now on nothing is tried again. */
  hurry(): void {
    this.#hurries = true;
  }

  #answered<T>(work: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const refuse = (cause: unknown): void => reject(refusalOf(cause));
      const giveUp = (): void => {
        refuse(new Error(`Redis has not answered for ${PATIENCE} ms.`));
        // What is on its way is lost, so that it is not done after all, when nobody expects it any more.
        if (this.client.status === 'ready') this.client.disconnect(true);
      };
      let turn: NodeJS.Immediate | undefined;
      // Where a job has kept the process busy, the answer may be there, and not have been read.
      const timer = setTimeout(() => {
        turn = setImmediate(() => (turn = setImmediate(giveUp)));
      }, PATIENCE);
      const stop = (): void => {
        clearTimeout(timer);
        if (turn) clearImmediate(turn);
      };
      work()
        .finally(stop)
        .then(resolve, (error: unknown) => refuse(error));
    });
  }
}

/** What whoever gave the command is told. */
export function refusalOf(cause: unknown): unknown {
  return isAway(cause) ? new TrackerUnavailableError('Redis', { cause }) : cause;
}

/** Whether the error is one of the connection, or says that Redis serves nobody now. */
function isAway(error: unknown): boolean {
  const isReply = (error as Error | undefined)?.name === 'ReplyError';
  return !isReply || NOT_NOW.test(messageOf(error));
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
