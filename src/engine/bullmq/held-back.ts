/** The pauses after which a job is looked at again whose key was full; the first is short, all of them in ms. */
const FIRST = 250;
const LONGEST = 5_000;

/**
 * Jobs that this process has put back since there was no place for their key. When one of its own leaves, the next of
 * them is called at once; the places that other processes free are found when a job's pause is over.
 */
export class HeldBack {
  readonly #lines = new Map<string, Set<string>>();
  readonly #tries = new Map<string, number>();

  /** How long to put the job back for. */
  pause(key: string, id: string): number {
    const tries = this.#tries.get(id) ?? 0;
    this.#tries.set(id, tries + 1);
    const line = this.#lines.get(key) ?? new Set();
    this.#lines.set(key, line.add(id));
    return Math.round(Math.min(LONGEST, FIRST * 2 ** tries) * (0.75 + Math.random() / 2));
  }

  /** A place of the key is free: whose turn it is. */
  next(key: string): string | undefined {
    const [id] = this.#lines.get(key) ?? [];
    if (id !== undefined) this.#drop(key, id);
    return id;
  }

  /** The job has got a place. */
  entered(key: string, id: string): void {
    this.#drop(key, id);
    this.#tries.delete(id);
  }

  #drop(key: string, id: string): void {
    const line = this.#lines.get(key);
    line?.delete(id);
    if (line?.size === 0) this.#lines.delete(key);
  }
}
