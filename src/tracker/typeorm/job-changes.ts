import type { Clock } from '../../job/clock.js';
import type { JobRecord } from '../../job/job.js';
import type { MaybePromise } from '../../job/maybe-promise.js';
import { applyChange, isFinal, type JobChange } from '../../job/state-machine.js';
import type { OpenTransaction } from '../job-tracker.js';
import type { LiveJobs } from '../live-jobs.js';
import type { Watchers } from '../watchers.js';
import type { Run } from './connections.js';
import type { TypeOrmStore } from './typeorm-store.js';

/** How long output is kept in memory that was stored in a transaction; in ms. */
const COMMIT_TIME = 60_000;

export interface ChangeParts {
  readonly store: TypeOrmStore;
  readonly live: LiveJobs<Run>;
  readonly watchers: Watchers;
  readonly clock: Clock;
  warn(what: string, error?: unknown): void;
}

/** A change as it is asked for. */
export interface Asked {
  readonly id: string;
  readonly change: JobChange;
  readonly attempt: number | undefined;
  readonly transaction: OpenTransaction | undefined;
}

/** What a change of a job takes beside its row: its output, those who watch it, what is left to do when it is over. */
export class JobChanges {
  constructor(private readonly parts: ChangeParts) {}

  make(asked: Asked): MaybePromise<JobRecord | undefined> {
    const { id, change, transaction } = asked;
    // What was printed is stored before the end is, so that a final record means complete output.
    const isUnstored = change.type !== 'start' && this.parts.live.get(id)?.isStored === false;
    if (isUnstored) return this.flush(id, transaction).then(() => this.#makeOnceStored(asked));
    return this.#makeOnceStored(asked);
  }

  #makeOnceStored(asked: Asked): MaybePromise<JobRecord | undefined> {
    return this.#endWith(asked) ?? this.#makeAtOnce(asked);
  }

  async #makeAtOnce(asked: Asked): Promise<JobRecord | undefined> {
    const { id, change, attempt, transaction } = asked;
    const { store, live } = this.parts;
    const record = await store.jobs.change(id, change, attempt, transaction);
    if (!record) return this.#refused(asked);
    if (change.type === 'start') live.of(id).starts(record);
    const pushing = this.push(id, transaction);
    if (pushing) await pushing;
    this.#changed(record, transaction);
    return record;
  }

  #changed(record: JobRecord, transaction?: OpenTransaction): void {
    const { store, watchers } = this.parts;
    if (record.state !== 'running') this.#dropAfter(record.id, transaction);
    if (record.state === 'completed') store.filing.add(record.id);
    if (isFinal(record.state)) store.retention?.finished(record);
    watchers.wake(record.id);
  }

  /** Where a change can be made with the COMMIT: the record as it will be. Else `undefined`. */
  #endWith({ id, change, attempt, transaction }: Asked): JobRecord | undefined {
    const { store, live } = this.parts;
    if (!transaction?.endsWith || attempt === undefined) return undefined;
    const started = live.get(id)?.started;
    if (started?.attempt !== attempt) return undefined;
    const last = store.jobs.lastStatement(id, change, attempt);
    const record = last && applyChange(started, change);
    if (!record) return undefined;
    const isRefusal = (error: unknown): boolean => store.jobs.isRefusal(error);
    const committed = (): void => {
      this.#changed(record);
      void this.push(id);
    };
    transaction.endsWith({ ...last, isRefusal, committed });
    return record;
  }

  async flush(id: string, transaction?: OpenTransaction): Promise<void> {
    const { store, warn } = this.parts;
    const live = this.parts.live.get(id);
    try {
      // Where there is one writer it is the job itself by now: waiting for it would never end.
      if (transaction && store.db.dialect.hasOneWriter) {
        await live?.flushIn((sql, values) => store.db.connections.runOn(transaction, sql, values));
        return;
      }
      live?.release();
      await live?.flush();
    } catch (error) {
      warn(`could not store output or progress of job ${id}`, error);
    }
  }

  /** Other processes hear of what has changed; where that fails, they find it when they look. */
  push(id: string, transaction?: OpenTransaction): Promise<void> | undefined {
    const { push, db } = this.parts.store;
    if (!push?.isAwaited(id)) return undefined;
    if (!transaction) return push.changed(id).catch(() => undefined);
    // A transaction in which a statement has failed is lost, and its job must hear of it.
    return push.changed(id, (sql, values) => db.connections.runOn(transaction, sql, values));
  }

  /** The job is another process's, or over: what it has printed here since is of no use. */
  #refused({ id, change: { type }, attempt = 0 }: Asked): undefined {
    if (type === 'retry' || type === 'enqueue') return;
    const { live } = this.parts;
    if (live.get(id)?.attempt === attempt) live.drop(id);
  }

  /** Once it is sure that the end of the job is committed, which no later change would say. */
  #dropAfter(id: string, transaction?: OpenTransaction): void {
    const { live, store, clock } = this.parts;
    if (!transaction || !store.db.dialect.hasOneWriter) return live.drop(id);
    const known = live.get(id);
    clock.after(COMMIT_TIME, () => {
      if (live.get(id) === known) live.drop(id);
    });
  }
}
