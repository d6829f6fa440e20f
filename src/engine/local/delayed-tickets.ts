import type { Clock } from '../../job/clock.js';
import type { JobTicket } from '../job-engine.js';

/** Tickets that are due at the same time. */
interface Due {
  readonly tickets: Map<string, JobTicket>;
  stopTimer(): void;
}

/** Tickets whose time has not come. Those of one millisecond share a timer: many are often called in one go. */
export class DelayedTickets {
  readonly #due = new Map<number, Due>();
  readonly #times = new Map<string, number>();

  /** @param ready Called with each when its time has come. */
  constructor(
    private readonly clock: Clock,
    private readonly ready: (ticket: JobTicket) => void,
  ) {}

  get length(): number {
    return this.#times.size;
  }

  /** @param at In ms since 1970. */
  add(ticket: JobTicket, at: number): void {
    this.#times.set(ticket.id, at);
    const due = this.#due.get(at) ?? this.#dueAt(at);
    due.tickets.set(ticket.id, ticket);
  }

  remove(id: string): void {
    const at = this.#times.get(id);
    if (at === undefined) return;
    this.#times.delete(id);
    const due = this.#due.get(at)!;
    due.tickets.delete(id);
    if (due.tickets.size > 0) return;
    due.stopTimer();
    this.#due.delete(at);
  }

  clear(): void {
    this.#due.forEach((due) => due.stopTimer());
    this.#due.clear();
    this.#times.clear();
  }

  #dueAt(at: number): Due {
    const ring = (): void => {
      this.#due.delete(at);
      for (const [id, ticket] of due.tickets) {
        this.#times.delete(id);
        this.ready(ticket);
      }
    };
    // The jobs are still to be done: a script must not end before them.
    const stopTimer = this.clock.after(at - this.clock.now(), ring, true);
    const due = { tickets: new Map<string, JobTicket>(), stopTimer };
    this.#due.set(at, due);
    return due;
  }
}
