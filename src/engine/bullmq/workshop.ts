import type { Queue } from 'bullmq';
import type { DeliveryOutcome, EngineHost, JobTicket } from '../job-engine.js';
import type { Broker } from './broker.js';
import { HeldBack } from './held-back.js';
import { HeldJobs, type HeldJob } from './held-jobs.js';
import {
  bullPriority,
  deliveredOf,
  FIRST,
  messageOf,
  readMessage,
  type Delivered,
} from './message.js';
import { Places, type Place } from './places.js';
import { settle, type Settlement } from './settle.js';
import { WorkLoop } from './work-loop.js';

/** How long a job is put back for that this process has no method for; doubled each time. In ms. */
const FIRST_PARKING = 1_000;
const LONGEST_PARKING = 30_000;

export interface WorkshopSettings {
  readonly host: EngineHost;
  readonly broker: Broker;
  readonly queue: Queue;
  /** In ms. */
  readonly lock: number;
  warn(message: string, error?: unknown): void;
}

/** The part of the engine that works: fetches jobs, delivers them, and tells BullMQ what came of it. */
export class Workshop {
  readonly #loop: WorkLoop;
  readonly #held: HeldJobs;
  readonly #heldBack = new HeldBack();
  readonly #serving = new Set<Promise<void>>();
  readonly #places: Places;
  #stopped = false;
  #closed = false;

  constructor(private readonly settings: WorkshopSettings) {
    const { broker, queue, lock, warn, host } = settings;
    this.#places = new Places(host.concurrency);
    const failed = (error: unknown): void => warn('has trouble with its queue', error);
    const worker = broker.worker();
    worker.on('error', failed);
    this.#held = new HeldJobs(queue, broker.limits(), lock, failed);
    this.#loop = new WorkLoop({
      ...{ worker, failed, interrupt: () => broker.interrupt(worker) },
      hasRoom: () => this.#serving.size < this.#places.most,
      take: (job, token) => this.#take(job, token),
    });
  }

  start(): void {
    this.#held.open();
    this.#loop.start();
  }

  /** @param first Done before the place is given away: the awaited job is put first, so that it gets it. */
  lend(ticket: JobTicket, awaitedId: string, first: Promise<unknown>): () => void {
    const held = this.#held.find(ticket.id);
    if (held?.counts) void this.#leaveKey(held);
    let takeBack: (() => void) | undefined;
    let isBack = false;
    void first.then(() => {
      if (isBack) return;
      takeBack = this.#places.lend(awaitedId);
      this.#loop.lookAgain();
    });
    return () => {
      isBack = true;
      takeBack?.();
      if (held && ticket.limit) void this.#comeBack(held, ticket.limit.key);
    };
  }

  /** The method of a job is over, and its end is being recorded. */
  vacate(ticket: JobTicket): void {
    this.#places.vacate(ticket);
    this.#loop.lookAgain();
  }

  async pause(): Promise<void> {
    this.#stopped = true;
    this.#places.close();
    await this.#loop.stop();
  }

  /** What was delivered is answered for; where BullMQ cannot be reached, its lock will run out. */
  async close(): Promise<void> {
    await this.pause();
    this.#closed = true;
    await Promise.all(this.#serving);
    this.#held.close();
  }

  #take(job: Delivered, token: string): void {
    const serving = this.#serveAll(job, token).then(() => {
      this.#serving.delete(serving);
      this.#loop.lookAgain();
    });
    this.#serving.add(serving);
  }

  /** The job, and in its place the one that comes with its end, and so on. */
  async #serveAll(first: Delivered, token: string): Promise<void> {
    for (let job: Delivered | undefined = first; job;) {
      const { id } = job;
      job = await this.#serve(job, token).catch((error: unknown) => {
        this.settings.warn(`could not settle job ${id}`, error);
        return undefined;
      });
    }
  }

  async #serve(job: Delivered, token: string): Promise<Delivered | undefined> {
    const ticket = readMessage(job);
    const held = { job, token, ticket: ticket ?? noTicket(job), counts: false };
    this.#held.add(held);
    try {
      return await this.#settle(held, ticket ? await this.#deliver(held) : this.#refuse(job));
    } finally {
      this.#held.remove(held);
    }
  }

  /** Where there is no place for it for long, it is handed back: another process may have one. */
  async #deliver(held: HeldJob): Promise<Settlement> {
    const { id } = held.ticket;
    const place = await this.#places.take(id, held.job.priority === FIRST);
    if (!place) return { kind: 'back' };
    try {
      return await this.#deliverTo(held, place);
    } finally {
      this.#places.leave(held.ticket);
    }
  }

  async #deliverTo(held: HeldJob, { coming }: Place): Promise<Settlement> {
    const pause = await this.#enterKey(held);
    if (pause !== undefined) return { kind: 'later', delay: pause };
    const outcome = await this.settings.host.deliver(held.ticket, coming);
    await this.#leaveKey(held);
    return this.#settlementOf(held, outcome);
  }

  #settlementOf({ job }: HeldJob, { again, unknown }: DeliveryOutcome): Settlement {
    if (unknown) return { kind: 'later', delay: parkingOf(job) };
    if (!again) return { kind: 'done' };
    const delay = Math.ceil(again.runAt - this.settings.host.clock.now());
    return delay > 0 ? { kind: 'later', delay } : { kind: 'back' };
  }

  #refuse({ id, name }: Delivered): Settlement {
    const why = 'It was not put there by nestjs-background.';
    const what = `found a message in its queue that is none of its own (${String(name)}, ${String(id)})`;
    this.settings.warn(`${what}. It is kept among the failed jobs of BullMQ, and was not run`);
    return { kind: 'refused', why };
  }

  /** The next job, where there is one, and it may begin in the place of this one. */
  async #settle(held: HeldJob, settlement: Settlement): Promise<Delivered | undefined> {
    const { queue, broker } = this.settings;
    const wake = (): Promise<void> => broker.wake(queue);
    const isOver = (): boolean => this.#closed;
    const fetchesNext = (): boolean => !this.#stopped && this.#serving.size <= this.#places.most;
    const settling = { queue, wake, isOver, fetchesNext, again: this.#addAgain };
    const next = await settle(settling, held, settlement);
    return next && deliveredOf(...next);
  }

  readonly #addAgain = async ({ ticket }: HeldJob, delay: number): Promise<void> => {
    const { id, name, priority } = ticket;
    const options = { jobId: id, delay, priority: bullPriority(priority) };
    await this.settings.queue.add(name, messageOf(ticket), options);
  };

  /** How long to wait where there is no place for the job's key. */
  async #enterKey(held: HeldJob): Promise<number | undefined> {
    const { id, limit } = held.ticket;
    if (!limit) return undefined;
    held.counts = await this.settings.broker.limits().take(limit.key, limit.jobs, id);
    if (!held.counts) return this.#heldBack.pause(limit.key, id);
    this.#heldBack.entered(limit.key, id);
    return undefined;
  }

  /** Where that cannot be told, the place is free by itself after a while. */
  async #leaveKey(held: HeldJob): Promise<void> {
    const { limit, id } = held.ticket;
    if (!held.counts || !limit) return;
    held.counts = false;
    try {
      await this.settings.broker.limits().leave(limit.key, id);
      const next = this.#heldBack.next(limit.key);
      if (next !== undefined) await this.settings.queue.getBackend().promote(next);
    } catch {
      // It comes by itself when its pause is over.
    }
  }

  async #comeBack(held: HeldJob, key: string): Promise<void> {
    held.counts = true;
    await this.settings.broker
      .limits()
      .force(key, held.ticket.id)
      .catch(() => undefined);
  }
}

function parkingOf({ attemptsStarted }: Delivered): number {
  return Math.min(LONGEST_PARKING, FIRST_PARKING * 2 ** Math.min(10, attemptsStarted - 1));
}

function noTicket({ id = '', name }: Delivered): JobTicket {
  return { id, name, priority: 0, runAt: undefined, limit: undefined };
}
