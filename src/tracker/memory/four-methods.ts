import { clearTimeout, setTimeout } from 'node:timers';
import { isPromise, type MaybePromise } from '../../job/maybe-promise.js';

/** What asyncjob asks of a progress tracker; each method may give a promise. */
export interface ProgressTracker {
  /** A job is there, which has reported nothing yet. (`track`) */
  track(id: string): unknown;
  /** The job is over, or was refused: nothing is to be kept of it. (`remove`) */
  remove(id: string): unknown;
  /** What the job reported. (`set_progress`) */
  setProgress(id: string, value: number, data: unknown): unknown;
  /**
   * The last report; `[-1, null]` where there is none yet, `null` for a job that is over or unknown. Asked for jobs of
   * other processes. (`get_progress`)
   */
  getProgress(id: string): MaybePromise<readonly [value: number, data: unknown] | null | undefined>;
}

type Told = 'track' | 'remove' | 'setProgress';

/** How long one of the methods may take; then the job's next news goes out all the same. In ms. */
const PATIENCE = 2_000;
/** At most so many reports of a job wait for the methods; of more the latest counts. */
const LONGEST_LINE = 100;

type News = readonly [method: Told, ...args: unknown[]];

/** Tells a progress tracker of each job's news one after the other, and never lets a job wait or fail for it. */
export class FourMethods {
  readonly #lines = new Map<string, News[]>();
  readonly #telling = new Set<Promise<void>>();

  constructor(
    private readonly tracker: ProgressTracker,
    /** Called where a method throws, is rejected, or does not answer. */
    private readonly failed: (method: keyof ProgressTracker, error: unknown) => void,
  ) {}

  tell(id: string, ...news: News): void {
    const line = this.#lines.get(id);
    if (!line) return this.#begin(id, news);
    const isLong = line.length >= LONGEST_LINE && line.at(-1)![0] === 'setProgress';
    if (isLong && news[0] === 'setProgress') line.pop();
    line.push(news);
  }

  /** What is known of a job that is not of this process; `null` where the tracker does not know it, or fails. */
  async ask(id: string): Promise<[number, unknown] | null> {
    try {
      const found = await withinPatience(this.tracker.getProgress(id));
      if (found === null || found === undefined) return null;
      if (isReport(found)) return [found[0], found[1] ?? null];
      throw new TypeError(`it gave neither [value, data] nor null`);
    } catch (error) {
      this.failed('getProgress', error);
      return null;
    }
  }

  /** Fulfilled when everything was told, or takes too long. */
  async settled(): Promise<void> {
    await withinPatience(Promise.all(this.#telling)).catch(() => undefined);
  }

  /** At once where the method is: who looks right after the call finds the job. */
  #begin(id: string, news: News): void {
    const told = this.#tell(id, news);
    if (!isPromise(told)) return;
    this.#lines.set(id, []);
    const telling = told.then(() => this.#goOn(id));
    this.#telling.add(telling);
    void telling.then(() => this.#telling.delete(telling));
  }

  async #goOn(id: string): Promise<void> {
    const line = this.#lines.get(id)!;
    for (let news = line.shift(); news; news = line.shift()) await this.#tell(id, news);
    this.#lines.delete(id);
  }

  #dropReports(id: string): void {
    const line = this.#lines.get(id) ?? [];
    const kept = line.filter(([method]) => method !== 'setProgress');
    line.splice(0, line.length, ...kept);
  }

  #tell(id: string, [method, ...args]: News): MaybePromise<void> {
    const failed = (error: unknown): void => this.failed(method, error);
    try {
      const told = (this.tracker[method] as (...given: unknown[]) => unknown)(id, ...args);
      if (!isPromise(told)) return undefined;
      return withinPatience(told)
        .then(() => undefined)
        .catch((error: unknown) => {
          // Of a line that does not move, the end is what counts.
          if (error instanceof NoAnswer) this.#dropReports(id);
          failed(error);
        });
    } catch (error) {
      return failed(error);
    }
  }
}

class NoAnswer extends Error {}

function isReport(found: unknown): found is readonly [number, unknown] {
  return Array.isArray(found) && typeof found[0] === 'number';
}

async function withinPatience<T>(work: MaybePromise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<never>((_resolve, reject) => {
    const error = new NoAnswer(`it has not answered for ${PATIENCE} ms`);
    timer = setTimeout(() => reject(error), PATIENCE);
    timer.unref();
  });
  return Promise.race([work, over]).finally(() => clearTimeout(timer));
}
