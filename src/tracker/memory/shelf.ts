import { JobIds, type Moment } from '../../job/job-id.js';
import type { JobRecord } from '../../job/job.js';
import type { JobChange } from '../../job/state-machine.js';
import type { JobKeeper } from '../job-keeper.js';
import { MemoryJob, Beside, type Shelf } from './kept-job.js';

/** All jobs in memory, in the order in which they came; those whose ids were read are found by them. */
export class JobShelf implements Shelf, JobKeeper {
  readonly #byId = new Map<string, MemoryJob>();
  readonly #ids = new JobIds();
  #newest: MemoryJob | undefined;

  constructor(private readonly onChange: (job: MemoryJob, change: JobChange) => void) {}

  draft(name: string, createdAt: number): MemoryJob {
    const moment = this.#ids.momentOf(createdAt);
    return new MemoryJob(this, name, createdAt, moment, moment.take());
  }

  of(record: JobRecord): MemoryJob {
    return MemoryJob.from(this, record);
  }

  idAt(moment: Moment, place: number): string {
    return this.#ids.idAt(moment, place);
  }

  add(job: MemoryJob): void {
    job.isKept = true;
    job.previous = this.#newest;
    if (this.#newest) this.#newest.next = job;
    this.#newest = job;
    if (job.isNamed) this.#byId.set(job.id, job);
    if (job.parentId !== undefined) this.#addChild(job, job.parentId);
  }

  named(job: MemoryJob): void {
    if (job.isKept) this.#byId.set(job.id, job);
  }

  changed(job: MemoryJob, change: JobChange): void {
    this.onChange(job, change);
  }

  remove(job: MemoryJob): void {
    if (!job.isKept) return;
    job.isKept = false;
    if (job.previous) job.previous.next = job.next;
    if (job.next) job.next.previous = job.previous;
    else this.#newest = job.previous;
    // What the collector has taken for long-lived would keep its neighbours from being collected.
    job.previous = job.next = undefined;
    if (job.isNamed) this.#byId.delete(job.id);
  }

  find(id: string): MemoryJob | undefined {
    return this.#byId.get(id);
  }

  called(): MemoryJob[] {
    return [...this.newestFirst()].filter(({ caller }) => caller !== undefined).reverse();
  }

  *newestFirst(): Generator<MemoryJob, void, undefined> {
    for (let job = this.#newest; job; job = job.previous) yield job;
  }

  #addChild(job: MemoryJob, parentId: string): void {
    const parent = this.#byId.get(parentId);
    if (!parent) return;
    (parent.beside ??= new Beside()).addChild(job);
  }
}
