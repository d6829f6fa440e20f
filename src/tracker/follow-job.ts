import { Observable } from 'rxjs';
import { JobNotFoundError } from '../errors/job.errors.js';
import { progressOf, toJob, type JobRecord } from '../job/job.js';
import type { JobEvent } from '../job/job-event.js';
import { isFinal } from '../job/state-machine.js';
import { outputEvents } from '../output/transcript.js';
import type { JobTracker } from './job-tracker.js';

export interface FollowOptions {
  /** Only output after this chunk number; 0 for all. */
  after?: number;
  /** Ends the following early. */
  signal?: AbortSignal;
}

/**
 * Everything of a job from the beginning (or from `after`), then what comes as it comes, then the final
 * state; then it ends. The reader pulls: a slow one never holds the job up, it only finds more at once.
 * @throws JobNotFoundError for an id that is unknown, or whose retention ends meanwhile.
 */
export async function* followJob(
  tracker: JobTracker,
  id: string,
  options: FollowOptions = {},
): AsyncGenerator<JobEvent, void, undefined> {
  const bell = new Bell(options.signal);
  const unwatch = tracker.watch(id, () => bell.ring());
  let after = options.after ?? 0;
  let seen: JobRecord | undefined;
  try {
    while (!options.signal?.aborted) {
      // The record first: output is stored before the end is, so a final record means complete output.
      const record = await tracker.find(id);
      const page = record && (await tracker.output(id, after));
      if (!record || !page) throw new JobNotFoundError(id);
      yield* outputEvents(page);
      after = page.last;
      yield* recordEvents(seen, record);
      if (isFinal(record.state)) return;
      seen = record;
      await bell.rung();
    }
  } finally {
    unwatch();
  }
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

function* recordEvents(seen: JobRecord | undefined, record: JobRecord): Generator<JobEvent> {
  const { progress, state } = record;
  if (progress && progress !== seen?.progress) yield { type: 'progress', ...progressOf(record)! };
  const changed = seen ? seen.state !== state || seen.attempt !== record.attempt : isFinal(state);
  if (changed) yield { type: 'state', state, job: toJob(record) };
}

/** Lets a reader sleep until there is news; news that came while it was busy is not missed. */
class Bell {
  #pending = false;
  #wake: (() => void) | undefined;

  constructor(signal: AbortSignal | undefined) {
    signal?.addEventListener('abort', () => this.ring(), { once: true });
  }

  ring(): void {
    this.#pending = true;
    this.#wake?.();
  }

  async rung(): Promise<void> {
    if (!this.#pending) await new Promise<void>((resolve) => (this.#wake = resolve));
    this.#pending = false;
  }
}
