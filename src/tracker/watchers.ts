import type { Clock } from '../job/clock.js';
import type { JobStanding } from './job-tracker.js';

type Wake = (standing?: JobStanding) => void;

interface Watched {
  readonly wakes: Set<Wake>;
  seen: string | undefined;
}

/** What a look found of a job. */
export interface Sight {
  /** Another one after each change. */
  readonly text: string;
  readonly standing?: JobStanding;
}

const GONE: Sight = { text: 'gone' };

/** How watchers hear of what other processes do. */
export interface OutsideNews {
  /** How often it is looked for, beside what is pushed; in ms. */
  readonly interval: number;
  /** Of each job that is there. */
  look(ids: readonly string[]): Promise<ReadonlyMap<string, Sight>>;
  /** Asks for news of a job to be pushed, from now on. */
  join?(id: string): void;
  /** Nobody here watches the job any more. */
  leave?(id: string): void;
}

/** Who is to be told of changes: at once of those in this process, by push or after a look of those of others. */
export class Watchers {
  readonly #watched = new Map<string, Watched>();
  #news: OutsideNews | undefined;
  #stopTimer: (() => void) | undefined;
  #closed = false;

  constructor(private readonly clock: Clock) {}

  connect(news: OutsideNews): void {
    this.#news = news;
    [...this.#watched.keys()].forEach((id) => news.join?.(id));
    this.#lookLater();
  }

  watch(id: string, wake: Wake): () => void {
    const watched = this.#watched.get(id) ?? { wakes: new Set(), seen: undefined };
    this.#watched.set(id, watched);
    // A function of its own, so that one reader who watches twice is two watchers.
    const own: Wake = (standing) => wake(standing);
    watched.wakes.add(own);
    if (watched.wakes.size === 1 && !this.#closed) this.#news?.join?.(id);
    this.#lookLater();
    return () => this.#leave(id, watched, own);
  }

  /** Something of the job has changed. */
  wake(id: string, standing?: JobStanding): void {
    this.#watched.get(id)?.wakes.forEach((wake) => wake(standing));
  }

  /** News may have been missed. */
  wakeAll(): void {
    [...this.#watched.keys()].forEach((id) => this.wake(id));
  }

  close(): void {
    this.#closed = true;
    this.#stopTimer?.();
  }

  #leave(id: string, watched: Watched, wake: Wake): void {
    watched.wakes.delete(wake);
    if (watched.wakes.size > 0 || this.#watched.get(id) !== watched) return;
    this.#watched.delete(id);
    if (!this.#closed) this.#news?.leave?.(id);
    if (this.#watched.size > 0) return;
    this.#stopTimer?.();
    this.#stopTimer = undefined;
  }

  #lookLater(): void {
    if (this.#closed || this.#watched.size === 0 || !this.#news) return;
    this.#stopTimer ??= this.clock.after(this.#news.interval, () => {
      // A store that does not answer is somebody else's to report: whoever reads from it next.
      void this.#look()
        .catch(() => undefined)
        .then(() => {
          this.#stopTimer = undefined;
          this.#lookLater();
        });
    });
  }

  async #look(): Promise<void> {
    const ids = [...this.#watched.keys()];
    const found = await this.#news!.look(ids);
    for (const id of ids) this.#compare(id, found.get(id) ?? GONE);
  }

  #compare(id: string, { text, standing }: Sight): void {
    const watched = this.#watched.get(id);
    if (!watched || watched.seen === text) return;
    watched.seen = text;
    this.wake(id, standing);
  }
}
