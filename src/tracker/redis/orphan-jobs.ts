import type { JobRecord } from '../../job/job.js';
import type { Recovery } from '../job-tracker.js';
import type { Orphans } from '../orphan-finder.js';
import type { JobIndex, Placed } from './job-index.js';
import type { JobStore } from './job-store.js';
import type { ProcessLease } from './process-lease.js';

/** How many jobs are taken over at once. */
const BATCH = 100;

export interface OrphanParts {
  readonly jobs: JobStore;
  readonly index: JobIndex;
  readonly lease: ProcessLease;
  readonly recovery: Recovery;
  /** False while others may not have had the time to renew their leases, since Redis was away. */
  canTell(): boolean;
}

/** Unfinished jobs whose processes are no more. */
export class OrphanJobs implements Orphans {
  constructor(private readonly parts: OrphanParts) {}

  async *take(): AsyncGenerator<JobRecord[]> {
    if (!this.parts.canTell()) return;
    for (const owner of await this.parts.lease.dead()) yield* this.#takeFrom(owner);
  }

  async giveBack({ id }: JobRecord): Promise<void> {
    await this.parts.jobs.giveBack(id);
  }

  async *#takeFrom(owner: string): AsyncGenerator<JobRecord[]> {
    const { index, jobs, lease } = this.parts;
    let count = 0;
    for (let ids = [''], last: string | undefined; ids.length > 0; last = ids.at(-1)) {
      ids = await index.oldest(`owned:${owner}`, last, BATCH);
      count += ids.length;
      await jobs.tidy(ids);
      const wanted = this.#wanted(await index.look(ids));
      const taken = await Promise.all(wanted.map(({ id }) => jobs.takeOver(id, owner)));
      yield taken.filter((record) => record !== undefined);
    }
    if (count === 0) await lease.bury(owner);
  }

  /** Those that can be run here, and those that nobody can. */
  #wanted(placed: readonly Placed[]): Placed[] {
    const { recovery } = this.parts;
    const isKnown = ({ name, hasCall }: Placed): boolean => !hasCall || recovery.knows(name);
    const unknown = new Set(placed.filter((one) => !isKnown(one)).map(({ name }) => name));
    if (unknown.size > 0) recovery.leaveAlone([...unknown]);
    return placed.filter(isKnown);
  }
}
