// Taken from the module, not from the global, so that a test's fake timers cannot stop deliveries.
import { setImmediate } from 'node:timers';
import { QueueFullError } from '../../errors/job.errors.js';
import type {
  DeliveryOutcome,
  EngineHost,
  JobEngine,
  JobTicket,
  TakePlace,
} from '../job-engine.js';
import { ComingPlace } from '../coming-place.js';
import { DelayedTickets } from './delayed-tickets.js';
import { JobLimits } from './job-limits.js';
import { Lookahead } from '../lookahead.js';
import { WaitingLine } from './waiting-line.js';

/** Deliveries in a row before the event loop gets its turn, so that a flood of short jobs cannot starve requests. */
const DELIVERIES_PER_TURN = 256;

/** Runs jobs in this process, at most `concurrency` at once: by priority, then first come, first served. */
export function localEngine(): JobEngine {
  return new LocalEngine();
}

/** How many times as many as run at once are made ready ahead: one takes each place that is passed on, the others follow. */
const AHEAD = 3;

class LocalEngine implements JobEngine {
  readonly keepsTickets = true;
  readonly #waiting = new WaitingLine();
  readonly #limits = new JobLimits();
  /** Whose methods are over. */
  readonly #leaving = new Set<string>();
  /** Those of them whose places are taken already. */
  readonly #passedOn = new Set<string>();
  /** Delivered, and not to begin before there is a place. */
  readonly #ahead = new Map<string, ComingPlace>();
  #host!: EngineHost;
  #delayed!: DelayedTickets;
  #lookahead!: Lookahead;
  #running = 0;
  #paused = false;
  #turnAsked = false;
  #deliveriesLeft = 0;

  open(host: EngineHost): void {
    this.#host = host;
    this.#paused = false;
    this.#delayed = new DelayedTickets(host.clock, (ticket) => this.#due(ticket));
    this.#lookahead = new Lookahead(host.clock, AHEAD * host.concurrency);
  }

  enqueue(ticket: JobTicket): void {
    const freeSlots = Math.max(0, this.#host.concurrency - this.#running);
    const inLine = this.#waiting.length + this.#delayed.length + this.#limits.length;
    const waiting = inLine + this.#ahead.size - freeSlots;
    if (waiting >= this.#host.queueLimit && !ticket.isAccepted) {
      throw new QueueFullError(ticket.name, this.#host.queueLimit);
    }
    this.#admit(ticket);
  }

  discard(id: string): void {
    this.#delayed.remove(id);
    this.#waiting.remove(id);
    this.#limits.remove(id);
  }

  lend(ticket: JobTicket, awaitedId: string): () => void {
    this.#running -= 1;
    this.#leaveLimit(ticket);
    this.#waiting.hurry(awaitedId);
    this.#givePlace(awaitedId);
    this.#askTurn();
    return () => {
      this.#running += 1;
      this.#limits.comeBack(ticket);
      this.#waiting.unhurry(awaitedId);
    };
  }

  vacate({ id }: JobTicket): void {
    this.#leaving.add(id);
    this.#lookahead.ended();
    this.#deliverWaiting();
  }

  /** Where jobs run one by one, each is to find what the last one did. */
  passOn({ id }: JobTicket): void {
    if (this.#paused || this.#host.concurrency === 1) return;
    const next = [...this.#ahead].find(([, place]) => place.isAwaited);
    if (!next) return;
    this.#passedOn.add(id);
    this.#givePlace(next[0]);
  }

  pause(): void {
    this.#paused = true;
  }

  close(): void {
    this.#paused = true;
    this.#delayed.clear();
  }

  /** A ticket that comes back for another attempt was accepted once: no limit applies to it. */
  #admit(ticket: JobTicket, runAt = ticket.runAt): void {
    if (runAt === undefined) return this.#line(ticket);
    if (runAt > this.#host.clock.now()) return this.#delayed.add(ticket, runAt);
    // It was to wait, and its time has come already.
    this.#due(ticket);
  }

  #due(ticket: JobTicket): void {
    this.#host.ready(ticket.id);
    this.#line(ticket);
  }

  #line(ticket: JobTicket): void {
    this.#waiting.push(ticket);
    this.#askTurn();
  }

  /** Jobs start in a turn of their own: the caller goes on at once, and its response is out before they run. */
  #askTurn(): void {
    if (this.#turnAsked) return;
    this.#turnAsked = true;
    setImmediate(() => {
      this.#turnAsked = false;
      this.#deliveriesLeft = DELIVERIES_PER_TURN;
      this.#deliverWaiting();
    });
  }

  #deliverWaiting(): void {
    const mostAhead = this.#mostAhead();
    for (;;) {
      // Those that are ready go before those in line, but for one that somebody waits for.
      if (this.#paused || !this.#waiting.hasHurried) this.#givePlaces();
      if (this.#paused || !(this.#hasPlace || this.#ahead.size < mostAhead)) return;
      if (this.#deliveriesLeft === 0) return this.#askTurn();
      const ticket = this.#waiting.shift();
      if (!ticket) return;
      if (this.#limits.enter(ticket)) this.#deliver(ticket);
    }
  }

  get #hasPlace(): boolean {
    return this.#running - this.#ahead.size - this.#passedOn.size < this.#host.concurrency;
  }

  /** How many may be ready that have no place yet. */
  #mostAhead(): number {
    const { size } = this.#lookahead;
    const most = this.#leaving.size + size;
    // They are made ready in lots.
    return size > 0 && this.#ahead.size > most / 2 ? 0 : most;
  }

  #deliver(ticket: JobTicket): void {
    this.#running += 1;
    this.#deliveriesLeft -= 1;
    this.#host.start(ticket, this.#release, this.#placeFor(ticket));
  }

  #placeFor(ticket: JobTicket): TakePlace | undefined {
    if (this.#running - this.#ahead.size - this.#passedOn.size <= this.#host.concurrency)
      return undefined;
    const place = new ComingPlace();
    this.#ahead.set(ticket.id, place);
    return place.take;
  }

  #givePlaces(): void {
    for (const id of this.#ahead.keys()) {
      if (!this.#hasPlace) return;
      this.#givePlace(id);
    }
  }

  #givePlace(id: string): void {
    const place = this.#ahead.get(id);
    this.#ahead.delete(id);
    place?.give();
  }

  #leaveLimit(ticket: JobTicket): void {
    const next = this.#limits.leave(ticket);
    if (next) this.#waiting.pushAgain(next);
  }

  /** One for all tickets. */
  readonly #release = (ticket: JobTicket, outcome: DeliveryOutcome): void => {
    this.#running -= 1;
    if (this.#leaving.size > 0) this.#leaving.delete(ticket.id);
    if (this.#passedOn.size > 0) this.#passedOn.delete(ticket.id);
    if (this.#ahead.size > 0) this.#ahead.delete(ticket.id);
    this.#leaveLimit(ticket);
    if (outcome.again && !this.#paused) this.#admit(ticket, outcome.again.runAt);
    this.#deliverWaiting();
  };
}
