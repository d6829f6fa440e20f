/**
 * The names of keys. What belongs to a job has its id as hash tag, so that a cluster spreads the jobs and keeps each
 * together; the indexes, which tell of all jobs, have one tag of their own.
 */
export class Keys {
  /** What the keys of all indexes begin with. */
  readonly indexBase: string;

  constructor(private readonly prefix: string) {
    this.indexBase = `{${prefix}}`;
  }

  job(id: string): string {
    return `${this.prefix}:{${id}}`;
  }

  output(id: string): string {
    return `${this.prefix}:{${id}}:output`;
  }

  /** Where news of a job is published. */
  channel(id: string): string {
    return `${this.prefix}:{${id}}:news`;
  }

  /** Where a process hears of the jobs that it called. */
  inbox(owner: string): string {
    return this.index(`inbox:${owner}`);
  }

  index(name: string): string {
    return `${this.indexBase}:${name}`;
  }

  lease(owner: string): string {
    return this.index(`lease:${owner}`);
  }
}
