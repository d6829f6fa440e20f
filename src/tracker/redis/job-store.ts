import type { Clock } from '../../job/clock.js';
import type { JobActivity, JobOrigin, JobProgress, JobRecord, JobState } from '../../job/job.js';
import { joinedBy } from '../../job/origin.js';
import { applyChange, isFinal, type JobChange } from '../../job/state-machine.js';
import type { JobQuery, Retention } from '../job-tracker.js';
import { difference, fieldsOf, KEPT, progressIn, recordOf, type Fields } from './job-hash.js';
import type { JobIndex } from './job-index.js';
import { endOf, placeOf, type Move } from './job-place.js';
import type { JobStep, JobSteps } from './job-steps.js';
import type { Keys } from './keys.js';
import type { RedisConnection } from './redis-connection.js';
import { RENEW, REPORT } from './scripts.js';

/** The owner of jobs that were handed back: no process. */
export const NOBODY = 'nobody';
/** How long finished jobs stay after their time where no process is there to remove them; in ms. */
const SLACK = 60_000;
/** How many records are read at once, to be filtered. */
const PORTION = 200;

export interface StoreParts {
  readonly redis: RedisConnection;
  readonly keys: Keys;
  readonly index: JobIndex;
  readonly steps: JobSteps;
  readonly clock: Clock;
  readonly retention: Retention;
  /** In ms. */
  readonly expiry: number;
  /** This process. */
  readonly owner: string;
}

/** A record with the number of changes that it has seen, and who is to run it. */
interface Known {
  readonly record: JobRecord;
  readonly rev: number;
  readonly owner: string | undefined;
}

/** What a change makes of a record, and of who is to run it. */
type Step = Pick<Known, 'record' | 'owner'>;

/** Jobs in their hashes. What a change does is worked out here, and stored if nothing else came in between. */
export class JobStore {
  /** The unfinished jobs of this process. */
  readonly #known = new Map<string, Known>();
  /** Those of them that were called here, and those that are about to be stored. */
  readonly #called = new Set<string>();
  #changes = 0;

  constructor(private readonly parts: StoreParts) {}

  /** The unfinished jobs of this process. */
  own(): JobRecord[] {
    return [...this.#known.values()].map(({ record }) => record);
  }

  /** Whether its news comes to this process without being asked for, since it was called here. */
  isCalledHere(id: string): boolean {
    return this.#called.has(id);
  }

  /** Keeps a job of this process on; one that is no longer its own is left alone. */
  async renew(record: JobRecord): Promise<void> {
    const { redis, keys, owner } = this.parts;
    const touched = [keys.job(record.id), keys.output(record.id)];
    if (await redis.run(RENEW, touched, [owner, this.#ttl(record)])) return;
    this.#drop(record.id);
  }

  async create(record: JobRecord): Promise<void> {
    const { steps, owner } = this.parts;
    const { id } = record;
    const fields = [...fieldsOf(record), 'rev', '1', 'owner', owner];
    const step: JobStep = {
      ...this.#moveOf(record, 1, owner, undefined),
      ...{ ttl: this.#ttl(record), rev: '', mark: '', isProgressGone: false, fields, gone: [] },
    };
    this.#called.add(id);
    try {
      await steps.take(step);
      this.#remember({ record: keepingProgress(record), rev: 1, owner });
    } catch (error) {
      this.#called.delete(id);
      throw error;
    }
    if (this.parts.redis.isCluster) await this.parts.index.placed(step);
  }

  async forget(ids: readonly string[]): Promise<void> {
    ids.forEach((id) => this.#drop(id));
    await this.parts.index.forget(ids);
  }

  /**
   * @param isPatient Whether it is tried again until Redis is back.
   */
  change(
    id: string,
    change: JobChange,
    attempt: number | undefined,
    isPatient: boolean,
  ): Promise<JobRecord | undefined> {
    const step = ({ record, owner }: Known): Step | undefined => {
      const isCurrent = record.state === 'running' && record.attempt === attempt;
      if (attempt !== undefined && !isCurrent) return undefined;
      const changed = applyChange(record, change);
      return changed && { record: changed, owner: this.#ownerAfter(change, owner) };
    };
    return this.#update(id, step, isPatient);
  }

  /** Takes a job over from an owner that is no more; `undefined` where another process was faster. */
  takeOver(id: string, from: string): Promise<JobRecord | undefined> {
    return this.#update(id, ({ record, owner }) => {
      if (owner !== from || isFinal(record.state)) return undefined;
      const stalled = applyChange(record, { type: 'stall', at: 0 });
      return { record: stalled ?? record, owner: this.parts.owner };
    });
  }

  async giveBack(id: string): Promise<void> {
    await this.#update(id, ({ record, owner }) =>
      owner === this.parts.owner ? { record, owner: NOBODY } : undefined,
    );
  }

  async share(id: string, origin: JobOrigin): Promise<void> {
    await this.#update(id, ({ record, owner }) => {
      const joined = joinedBy(record.origin, origin);
      return joined === record.origin
        ? undefined
        : { record: { ...record, origin: joined }, owner };
    });
  }

  async report(
    id: string,
    attempt: number,
    what: 'progress' | 'activity',
    value: JobProgress | JobActivity,
  ): Promise<void> {
    const { redis, keys, owner } = this.parts;
    const values = [attempt, owner, id, keys.inbox(''), what, JSON.stringify(value)];
    await redis.run(REPORT, [keys.job(id)], values);
  }

  async find(id: string): Promise<JobRecord | undefined> {
    return (await this.#load(id))?.record;
  }

  async list(query: JobQuery): Promise<JobRecord[]> {
    const { limit = 100 } = query;
    const found: JobRecord[] = [];
    const narrowest = await this.parts.index.narrowest(query);
    for (let before = query.before; found.length < limit;) {
      const ids = await this.parts.index.newest(narrowest, before, PORTION);
      const known = await Promise.all(ids.map((id) => this.#load(id)));
      found.push(...known.flatMap((one) => (one && fits(one.record, query) ? [one.record] : [])));
      if (ids.length < PORTION) break;
      before = ids.at(-1);
    }
    return found.slice(0, limit);
  }

  /** Brings the indexes in line with what became of these jobs, which they have in this state. */
  async tidy(ids: readonly string[], state?: JobState): Promise<void> {
    const { redis, keys, index } = this.parts;
    const states = await Promise.all(
      ids.map((id) => redis.command<string | null>('HGET', keys.job(id), 'state')),
    );
    await index.remove(ids.filter((_id, at) => states[at] === null));
    const moved = ids.filter((_id, at) => states[at] !== null && state && states[at] !== state);
    for (const id of moved) {
      const known = await this.#load(id);
      if (known) await index.place(this.#moveOf(known.record, known.rev, known.owner, undefined));
    }
  }

  /** What is remembered of a job may be out of date, and somebody may come in between: then it is looked at again. */
  async #update(
    id: string,
    step: (known: Known) => Step | undefined,
    isPatient = false,
  ): Promise<JobRecord | undefined> {
    const { redis, owner } = this.parts;
    const mark = `${owner}:${++this.#changes}`;
    const insist = <T>(work: () => Promise<T>): Promise<T> =>
      isPatient ? redis.patiently(work) : work();
    for (let remembered = this.#known.get(id); ; remembered = undefined) {
      const known = remembered ?? (await insist(() => this.#recall(id)));
      const next = known && step(known);
      const stored = next && (await insist(() => this.#store(known, next, mark)));
      if (stored) return stored;
      if (!remembered && !next) return undefined;
    }
  }

  /** The record as it is stored; `undefined` where it is no longer as it was known. */
  async #store(
    known: Known,
    { record, owner }: Step,
    mark: string,
  ): Promise<JobRecord | undefined> {
    const step = this.#changeOf(known, { record, owner }, mark);
    const answer = await this.parts.steps.take(step);
    if (answer === 0) return undefined;
    this.#remember({ record: keepingProgress(record), rev: known.rev + 1, owner });
    if (this.parts.redis.isCluster) await this.parts.index.placed(step);
    return { ...record, progress: progressIn(answer) };
  }

  #changeOf(known: Known, { record, owner }: Step, mark: string): JobStep {
    const rev = known.rev + 1;
    const { fields, gone } = difference(known.record, record);
    fields.push('rev', String(rev), 'mark', mark);
    if (owner === undefined) gone.push('owner');
    else if (owner !== known.owner) fields.push('owner', owner);
    return {
      ...this.#moveOf(record, rev, owner, known),
      ...{ ttl: this.#ttl(record), rev: String(known.rev), mark },
      ...{ isProgressGone: record.progress === null, fields, gone },
    };
  }

  #moveOf(
    record: JobRecord,
    rev: number,
    owner: string | undefined,
    known: Known | undefined,
  ): Move {
    const before = known && placeOf(known.record, known.rev, known.owner);
    return { id: record.id, before, after: placeOf(record, rev, owner), end: endOf(record) };
  }

  async #load(id: string): Promise<Known | undefined> {
    const { redis, keys } = this.parts;
    const flat = await redis.command<string[]>('HGETALL', keys.job(id));
    if (flat.length === 0) return undefined;
    const fields = Object.fromEntries(pairs(flat)) as Fields;
    return { record: recordOf(id, fields), rev: Number(fields['rev']), owner: fields['owner'] };
  }

  async #recall(id: string): Promise<Known | undefined> {
    const known = await this.#load(id);
    return known && { ...known, record: keepingProgress(known.record) };
  }

  #remember(known: Known): void {
    const { id, state } = known.record;
    if (isFinal(state) || known.owner !== this.parts.owner) this.#drop(id);
    else this.#known.set(id, known);
  }

  #drop(id: string): void {
    this.#known.delete(id);
    this.#called.delete(id);
  }

  #ownerAfter({ type }: JobChange, owner: string | undefined): string | undefined {
    if (type === 'start' || type === 'retry') return this.parts.owner;
    if (type === 'release') return NOBODY;
    const isOver = type === 'complete' || type === 'fail' || type === 'cancel';
    return isOver ? undefined : owner;
  }

  /** How long a job is kept that nobody touches: its retention from its end, or its time and the expiry. */
  #ttl({ state, runAt = 0 }: JobRecord): number {
    const { clock, expiry, retention } = this.parts;
    if (!isFinal(state)) return expiry + Math.max(0, Math.round(runAt - clock.now()));
    return retention[state === 'completed' ? 'completed' : 'failed'] + SLACK;
  }
}

/** As it is remembered: nothing here is told of the progress that is stored. */
function keepingProgress(record: JobRecord): JobRecord {
  return { ...record, progress: KEPT };
}

function fits({ state, name, parentId }: JobRecord, query: JobQuery): boolean {
  return (
    (!query.state || query.state === state) &&
    (!query.name || query.name === name) &&
    (!query.parentId || query.parentId === parentId)
  );
}

function pairs(flat: readonly string[]): [string, string][] {
  return Array.from({ length: flat.length / 2 }, (_, at) => [flat[2 * at]!, flat[2 * at + 1]!]);
}
