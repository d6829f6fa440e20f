import { isDeepStrictEqual } from 'node:util';
import { Observable } from 'rxjs';
import { JobNotFoundError } from '../errors/job.errors.js';
import { progressOf, toJob, type JobRecord } from '../job/job.js';
import type { JobEvent } from '../job/job-event.js';
import { isFinal } from '../job/state-machine.js';
import type { OutputGap, OutputPage } from '../output/output-chunk.js';
import { bytesOf, SeenOutput } from '../output/seen-output.js';
import { outputEvents } from '../output/transcript.js';
import type { JobTracker } from './job-tracker.js';
import { LoopLoad } from './loop-load.js';

export interface FollowOptions {
  /** Only output after this chunk number; 0 for all. */
  after?: number;
  /** Ends the following early, after one last look. */
  signal?: AbortSignal;
}

/** How a reader is spared news that come faster than anybody reads. */
export interface StepOptions extends FollowOptions {
  /**
   * At most so many ms, and at least half of them, between two looks; up to four times as many where the event loop has no
   * time left. What comes meanwhile is found at once.
   */
  pace?: number;
  /** At most so many ms between two looks, for what changes without news: time, nested jobs. */
  rouse?: number;
}

/** What one look at a job found. */
export interface JobStep {
  readonly record: JobRecord;
  /** The output since the look before. */
  readonly page: OutputPage;
  /** The record at the look before. */
  readonly seen: JobRecord | undefined;
}

/** How long a reader has patience with a store that cannot be reached, and between two tries; in ms. */
const PATIENCE = 60_000;
const PAUSE = 250;

/** Of the only event loop of this thread. */
const loopLoad = new LoopLoad();

/**
 * Looks at a job again and again as there is news, until its end. The reader pulls: a slow one never holds the job
 * up, it only finds more at once.
 * @throws JobNotFoundError for an id that is unknown, or whose retention ends meanwhile.
 */
export async function* followSteps(
  tracker: JobTracker,
  id: string,
  options: StepOptions = {},
): AsyncGenerator<JobStep, void, undefined> {
  const bell = new Bell(options.signal);
  const unwatch = tracker.watch(id, () => bell.ring());
  let after = options.after ?? 0;
  let seen: JobRecord | undefined;
  const output = new SeenOutput(after, (gap) => bytesBefore(gap, tracker, id));
  try {
    for (;;) {
      // What is asked for before the look is answered by it.
      const isLast = options.signal?.aborted ?? false;
      const { record, page: found } = await (seen
        ? patiently(tracker, bell, () => look(tracker, id, after))
        : look(tracker, id, after));
      const page = await output.next(found, after);
      yield { record, page, seen };
      if (isLast || isFinal(record.state)) return;
      after = page.last;
      seen = record;
      if (options.pace) await pause(spread(options.pace * loopLoad.stretch()));
      await bell.rung(options.rouse);
    }
  } finally {
    unwatch();
    bell.silence();
  }
}

/** Who follows a job goes on when its store is back. */
async function patiently<T>(tracker: JobTracker, bell: Bell, work: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + PATIENCE;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      const isPassing = tracker.isUnavailable?.(error) && performance.now() < deadline;
      if (!isPassing || bell.isOver) throw error;
    }
    await pause(PAUSE);
  }
}

async function bytesBefore({ first }: OutputGap, tracker: JobTracker, id: string): Promise<number> {
  const whole = await tracker.output(id, 0);
  return whole ? bytesOf(whole, 1, first - 1) : 0;
}

async function look(
  tracker: JobTracker,
  id: string,
  after: number,
): Promise<{ record: JobRecord; page: OutputPage }> {
  // The record first: output is stored before the end is, so a final record means complete output.
  const record = await tracker.find(id);
  const page = record && (await tracker.output(id, after));
  if (!record || !page) throw new JobNotFoundError(id);
  return { record, page };
}

/**
 * Everything of a job from the beginning (or from `after`), then what comes as it comes, then the final
 * state; then it ends.
 * @throws JobNotFoundError for an id that is unknown, or whose retention ends meanwhile.
 */
export async function* followJob(
  tracker: JobTracker,
  id: string,
  options: FollowOptions = {},
): AsyncGenerator<JobEvent, void, undefined> {
  for await (const step of followSteps(tracker, id, options)) yield* eventsOf(step);
}

/** What a look has found, as events: what an attempt prints and reports comes after its beginning, and before its end. */
export function eventsOf({ page, seen, record }: JobStep): JobEvent[] {
  const events = [...outputEvents(page), ...progressEvents(seen, record)];
  const state = stateEvents(seen, record);
  return record.state === 'running' ? [...state, ...events] : [...events, ...state];
}

/** `followJob` as an Observable; unsubscribing ends it. */
export function observeJob(
  tracker: JobTracker,
  id: string,
  options: { after?: number } = {},
): Observable<JobEvent> {
  return new Observable((subscriber) => {
    const stop = new AbortController();
    const deliver = async (): Promise<void> => {
      for await (const event of followJob(tracker, id, { ...options, signal: stop.signal })) {
        if (subscriber.closed) return;
        subscriber.next(event);
      }
    };
    deliver().then(
      () => subscriber.complete(),
      (error: unknown) => subscriber.error(error),
    );
    return () => stop.abort();
  });
}

function progressEvents(seen: JobRecord | undefined, record: JobRecord): JobEvent[] {
  const progress = progressOf(record);
  const isChanged = progress && !isDeepStrictEqual(record.progress, seen?.progress);
  return isChanged ? [{ type: 'progress', ...progress }] : [];
}

function stateEvents(seen: JobRecord | undefined, record: JobRecord): JobEvent[] {
  const { state } = record;
  const isChanged = seen ? isNews(seen, record) : isFinal(state);
  return isChanged ? [{ type: 'state', state, job: toJob(record) }] : [];
}

/** Whether more has changed than progress. */
export function isNews(seen: JobRecord, { state, attempt, activity }: JobRecord): boolean {
  return (
    seen.state !== state ||
    seen.attempt !== attempt ||
    (seen.activity !== activity && !isDeepStrictEqual(seen.activity, activity))
  );
}

/** Lets a reader sleep until there is news; news that came while it was busy is not missed. */
class Bell {
  readonly #onAbort = (): void => this.ring();
  #pending = false;
  #wake: (() => void) | undefined;

  constructor(private readonly signal: AbortSignal | undefined) {
    signal?.addEventListener('abort', this.#onAbort, { once: true });
  }

  /** Whether nobody wants news any more. */
  get isOver(): boolean {
    return this.signal?.aborted ?? false;
  }

  ring(): void {
    this.#pending = true;
    this.#wake?.();
  }

  /** @param atMost In ms; then it counts as rung. */
  async rung(atMost?: number): Promise<void> {
    const timer = atMost ? setTimeout(() => this.#wake?.(), atMost) : undefined;
    if (!this.#pending) await new Promise<void>((resolve) => (this.#wake = resolve));
    clearTimeout(timer);
    this.#pending = false;
  }

  silence(): void {
    this.signal?.removeEventListener('abort', this.#onAbort);
  }
}

/** Readers that were woken at once look again one after the other: a thousand writes in one turn would hold each other up. */
function spread(pace: number): number {
  return pace * (0.5 + Math.random() / 2);
}

/** In real time, whatever clock the application has: it spares the processor, it is no rule about time. */
function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
