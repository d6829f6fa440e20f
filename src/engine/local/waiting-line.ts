import { Fifo } from '../../output/fifo.js';
import type { JobTicket } from '../job-engine.js';

/** The lane of tickets that go before all others: no priority is as high. */
const FIRST = Infinity;

/** Tickets by priority, highest first, and within one priority in the order they came. */
export class WaitingLine {
  readonly #lanes = new Map<number, Fifo<JobTicket>>();
  /** Those that were removed, and are in their lanes still. */
  readonly #gone = new Set<JobTicket>();
  /** The others by id, from when one of them is looked for until the line is empty: most lines are never searched. */
  #byId: Map<string, JobTicket> | undefined;
  #length = 0;
  /** To be put first as soon as they come: they are being stored, or delayed, while somebody waits for them. */
  readonly #expected = new Set<string>();
  #priorities: number[] = [];

  get length(): number {
    return this.#length;
  }

  push(ticket: JobTicket): void {
    this.#pushTo(this.#expected.delete(ticket.id) ? FIRST : ticket.priority, ticket);
  }

  shift(): JobTicket | undefined {
    for (const priority of this.#priorities) {
      const ticket = this.#shiftLane(this.#laneOf(priority));
      if (ticket) return ticket;
    }
    return undefined;
  }

  /** Before its equals: it had its turn. */
  pushAgain(ticket: JobTicket): void {
    this.#pushTo(ticket.priority + 0.5, ticket);
  }

  /** Puts a ticket before all others: somebody who has begun cannot end without it. */
  hurry(id: string): void {
    const ticket = this.#find(id);
    this.#expected.add(id);
    // Another one, since this one is gone.
    if (ticket && this.remove(id)) this.push({ ...ticket });
  }

  /** Whether the next one may be such a ticket. */
  get hasHurried(): boolean {
    return (this.#lanes.get(FIRST)?.length ?? 0) > 0;
  }

  /** Nobody waits for it any more. */
  unhurry(id: string): void {
    this.#expected.delete(id);
  }

  remove(id: string): boolean {
    const ticket = this.#find(id);
    if (!ticket) return false;
    this.#gone.add(ticket);
    this.#forget(ticket);
    return true;
  }

  #pushTo(priority: number, ticket: JobTicket): void {
    this.#length += 1;
    this.#byId?.set(ticket.id, ticket);
    this.#laneOf(priority).push(ticket);
  }

  #shiftLane(lane: Fifo<JobTicket>): JobTicket | undefined {
    for (let ticket = lane.shift(); ticket; ticket = lane.shift()) {
      if (this.#gone.delete(ticket)) continue;
      this.#forget(ticket);
      return ticket;
    }
    return undefined;
  }

  #forget({ id }: JobTicket): void {
    this.#length -= 1;
    if (this.#length === 0) this.#byId = undefined;
    else this.#byId?.delete(id);
  }

  #find(id: string): JobTicket | undefined {
    if (this.#length === 0) return undefined;
    return (this.#byId ??= this.#tickets()).get(id);
  }

  #tickets(): Map<string, JobTicket> {
    const all = [...this.#lanes.values()].flatMap((lane) => lane.slice(0));
    return new Map(
      all.filter((ticket) => !this.#gone.has(ticket)).map((ticket) => [ticket.id, ticket]),
    );
  }

  #laneOf(priority: number): Fifo<JobTicket> {
    const known = this.#lanes.get(priority);
    if (known) return known;
    this.#closeEmptyLanes();
    const lane = new Fifo<JobTicket>();
    this.#lanes.set(priority, lane);
    this.#priorities = [...this.#lanes.keys()].sort((a, b) => b - a);
    return lane;
  }

  /** Else priorities that are ever new, such as a time, would fill the memory, and make each shift slower. */
  #closeEmptyLanes(): void {
    for (const [priority, lane] of this.#lanes) {
      if (lane.length === 0) this.#lanes.delete(priority);
    }
  }
}
