import type { EngineHost, JobEngine, JobTicket, StandIn } from '../engine/job-engine.js';
import { localEngine } from '../engine/local/local.engine.js';
import { BackgroundOptionsError } from '../errors/setup.errors.js';
import type { MaybePromise } from '../job/maybe-promise.js';
import type { JobTracker } from '../tracker/job-tracker.js';

/** The engine, and beside one that processes share one for what only this process can run. */
export function engineFor(given: JobEngine | undefined): JobEngine {
  const engine = given ?? localEngine();
  return engine.distributed ? new SplitEngine(localEngine(), engine) : engine;
}

/** A job that another process runs is found by its record alone. @throws BackgroundOptionsError */
export function checkShared(tracker: JobTracker, engine: JobEngine): void {
  if (!engine.distributed || tracker.shared) return;
  throw new BackgroundOptionsError(
    'tracker',
    tracker,
    'The engine delivers jobs to several processes, but the tracker of this one is its own. Give all of them one that ' +
      'they share: BackgroundModule.forRoot({ tracker: typeOrmTracker(), engine }).',
  );
}

/** A mere function, or a call whose arguments are futures, means nothing to another process: it stays here. */
class SplitEngine implements JobEngine {
  readonly distributed = true;

  constructor(
    private readonly here: JobEngine,
    private readonly shared: JobEngine,
  ) {}

  async open(host: EngineHost): Promise<void> {
    await this.here.open(host);
    await this.shared.open(host);
  }

  begin(): void {
    this.shared.begin?.();
  }

  enqueue(ticket: JobTicket): MaybePromise<void | StandIn> {
    return this.#engineOf(ticket).enqueue(ticket);
  }

  async discard(id: string): Promise<void> {
    await this.here.discard(id);
    await this.shared.discard(id);
  }

  lend(ticket: JobTicket, awaitedId: string): () => void {
    return this.#engineOf(ticket).lend(ticket, awaitedId);
  }

  vacate(ticket: JobTicket): void {
    this.#engineOf(ticket).vacate?.(ticket);
  }

  async pause(): Promise<void> {
    await this.here.pause();
    await this.shared.pause();
  }

  async close(): Promise<void> {
    await this.here.close();
    await this.shared.close();
  }

  #engineOf({ staysHere }: JobTicket): JobEngine {
    return staysHere ? this.here : this.shared;
  }
}
