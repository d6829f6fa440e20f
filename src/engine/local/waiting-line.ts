import { Fifo } from '../../output/fifo.js';
import type { JobTicket } from '../job-engine.js';

interface Place {
  readonly ticket: JobTicket;
  left: boolean;
}

/** Tickets by priority, highest first, and within one priority in the order they came. */
export class WaitingLine {
  readonly #lanes = new Map<number, Fifo<Place>>();
  readonly #places = new Map<string, Place>();
  #priorities: number[] = [];

  get length(): number {
    return this.#places.size;
  }

  push(ticket: JobTicket): void {
    const place = { ticket, left: false };
    this.#places.set(ticket.id, place);
    this.#laneOf(ticket.priority).push(place);
  }

  shift(): JobTicket | undefined {
    for (const priority of this.#priorities) {
      const ticket = this.#shiftLane(this.#laneOf(priority));
      if (ticket) return ticket;
    }
    return undefined;
  }

  remove(id: string): boolean {
    const place = this.#places.get(id);
    if (!place) return false;
    place.left = true;
    return this.#places.delete(id);
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
