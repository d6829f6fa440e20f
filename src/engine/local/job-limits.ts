import type { JobTicket } from '../job-engine.js';
import { WaitingLine } from './waiting-line.js';

interface Group {
  running: number;
  /** Those whose turn it was while the group was full. */
  readonly line: WaitingLine;
}

/** Jobs that may run only so many at once with those of the same key. */
export class JobLimits {
  readonly #groups = new Map<string, Group>();
  readonly #held = new Map<string, Group>();

  /** How many are held back. */
  get length(): number {
    return this.#held.size;
  }

  /** Counts a ticket in, or holds it back until `leave` gives it out. */
  enter(ticket: JobTicket): boolean {
    if (!ticket.limit) return true;
    const group = this.#groupOf(ticket.limit.key);
    if (group.running >= ticket.limit.jobs) {
      group.line.push(ticket);
      this.#held.set(ticket.id, group);
      return false;
    }
    group.running += 1;
    return true;
  }

  /** A ticket has gone: the next one of its group, which is to stand in the engine's line once more. */
  leave({ limit }: JobTicket): JobTicket | undefined {
    const group = limit && this.#groups.get(limit.key);
    if (!group) return undefined;
    group.running -= 1;
    const next = group.line.shift();
    if (next) this.#held.delete(next.id);
    if (!next && group.running === 0) this.#groups.delete(limit.key);
    return next;
  }

  /** A ticket is back that had left for a while, whether or not there is room. */
  comeBack({ limit }: JobTicket): void {
    if (limit) this.#groupOf(limit.key).running += 1;
  }

  remove(id: string): void {
    this.#held.get(id)?.line.remove(id);
    this.#held.delete(id);
  }

  #groupOf(key: string): Group {
    const known = this.#groups.get(key);
    if (known) return known;
    const group = { running: 0, line: new WaitingLine() };
    this.#groups.set(key, group);
    return group;
  }
}
