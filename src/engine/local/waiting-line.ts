import { Fifo } from '../../output/fifo.js';
import type { JobTicket } from '../job-engine.js';

/** The lane of tickets that go before all others: no priority is as high. */
const FIRST = Infinity;

/** Tickets of one priority, in the order they came. */
class Lane {
  readonly #tickets = new Fifo<JobTicket>();
  /** Those that were removed, and are in the list still. */
  readonly #gone = new Set<JobTicket>();

  get length(): number {
    return this.#tickets.length - this.#gone.size;
  }

  get tickets(): JobTicket[] {
    return this.#tickets.slice(0).filter((ticket) => !this.#gone.has(ticket));
  }

  push(ticket: JobTicket): void {
    this.#tickets.push(ticket);
  }

  remove(ticket: JobTicket): void {
    this.#gone.add(ticket);
  }

  shift(): JobTicket | undefined {
    for (;;) {
      const ticket = this.#tickets.shift();
      if (!ticket || this.#gone.size === 0 || !this.#gone.delete(ticket)) return ticket;
    }
  }
}

interface Place {
  readonly ticket: JobTicket;
  readonly lane: Lane;
}

/** Tickets by priority, highest first, and within one priority in the order they came. */
export class WaitingLine {
  readonly #lanes = new Map<number, Lane>();
  /** Where they stand, from when one of them is looked for until the line is empty: most lines are never searched. */
  #byId: Map<string, Place> | undefined;
  #length = 0;
  /** To be put first as soon as they come: they are being stored, or delayed, while somebody waits for them. */
  readonly #expected = new Set<string>();
  /** The lanes, highest first. */
  #order: Lane[] = [];

  get length(): number {
    return this.#length;
  }

  push(ticket: JobTicket): void {
    const isExpected = this.#expected.size > 0 && this.#expected.delete(ticket.id);
    this.#pushTo(isExpected ? FIRST : ticket.priority, ticket);
  }

  shift(): JobTicket | undefined {
    for (const lane of this.#order) {
      const ticket = lane.shift();
      if (!ticket) continue;
      this.#forget(ticket);
      return ticket;
    }
    return undefined;
  }

  /** Before its equals: it had its turn. */
  pushAgain(ticket: JobTicket): void {
    this.#pushTo(ticket.priority + 0.5, ticket);
  }

  /** Puts a ticket before all others: somebody who has begun cannot end without it. */
  hurry(id: string): void {
    const place = this.#find(id);
    this.#expected.add(id);
    if (place && this.remove(id)) this.push(place.ticket);
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
    const place = this.#find(id);
    if (!place) return false;
    place.lane.remove(place.ticket);
    this.#forget(place.ticket);
    return true;
  }

  #pushTo(priority: number, ticket: JobTicket): void {
    const lane = this.#laneOf(priority);
    this.#length += 1;
    this.#byId?.set(ticket.id, { ticket, lane });
    lane.push(ticket);
  }

  #forget(ticket: JobTicket): void {
    this.#length -= 1;
    if (this.#length === 0) this.#byId = undefined;
    else this.#byId?.delete(ticket.id);
  }

  #find(id: string): Place | undefined {
    if (this.#length === 0) return undefined;
    return (this.#byId ??= this.#places()).get(id);
  }

  #places(): Map<string, Place> {
    const places = new Map<string, Place>();
    for (const lane of this.#order) {
      for (const ticket of lane.tickets) places.set(ticket.id, { ticket, lane });
    }
    return places;
  }

  #laneOf(priority: number): Lane {
    const known = this.#lanes.get(priority);
    if (known) return known;
    this.#closeEmptyLanes();
    const lane = new Lane();
    this.#lanes.set(priority, lane);
    const priorities = [...this.#lanes.keys()].sort((a, b) => b - a);
    this.#order = priorities.map((each) => this.#lanes.get(each)!);
    return lane;
  }

  /** Else priorities that are ever new, such as a time, would fill the memory, and make each shift slower. */
  #closeEmptyLanes(): void {
    for (const [priority, lane] of this.#lanes) {
      if (lane.length === 0) this.#lanes.delete(priority);
    }
  }
}
