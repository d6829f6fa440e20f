import { Fifo } from '../../output/fifo.js';
import type { JobTicket } from '../job-engine.js';

interface Place {
  readonly ticket: JobTicket;
  left: boolean;
}

/** The lane of tickets that go before all others: no priority is as high. */
const FIRST = Infinity;

/** Tickets by priority, highest first, and within one priority in the order they came. */
export class WaitingLine {
  readonly #lanes = new Map<number, Fifo<Place>>();
  readonly #places = new Map<string, Place>();
  /** To be put first as soon as they come: they are being stored, or delayed, while somebody waits for them. */
  readonly #expected = new Set<string>();
  #priorities: number[] = [];

  get length(): number {
    return this.#places.size;
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
    const ticket = this.#places.get(id)?.ticket;
    this.#expected.add(id);
    if (ticket && this.remove(id)) this.push(ticket);
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
    const place = this.#places.get(id);
    if (!place) return false;
    place.left = true;
    return this.#places.delete(id);
  }

  #pushTo(priority: number, ticket: JobTicket): void {
    const place = { ticket, left: false };
    this.#places.set(ticket.id, place);
    this.#laneOf(priority).push(place);
  }

  #shiftLane(lane: Fifo<Place>): JobTicket | undefined {
    for (let place = lane.shift(); place; place = lane.shift()) {
      if (place.left) continue;
      this.#places.delete(place.ticket.id);
      return place.ticket;
    }
    return undefined;
  }

  #laneOf(priority: number): Fifo<Place> {
    const known = this.#lanes.get(priority);
    if (known) return known;
    this.#closeEmptyLanes();
    const lane = new Fifo<Place>();
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
