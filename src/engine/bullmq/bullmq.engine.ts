import { Logger } from '@nestjs/common';
import type { Queue } from 'bullmq';
import { EngineUnavailableError } from '../../errors/engine.errors.js';
import { toFailure } from '../../errors/failure.js';
import { QueueFullError } from '../../errors/job.errors.js';
import type { EngineHost, JobEngine, JobTicket, StandIn } from '../job-engine.js';
import { Adding } from './adding.js';
import type { Broker } from './broker.js';
import { bullPriority, FIRST, messageOf } from './message.js';
import { readBullMqOptions, type BullMqEngineOptions, type BullMqSettings } from './options.js';
import { PostgresBroker } from './postgres.broker.js';
import { RedisBroker } from './redis.broker.js';
import { codeOf } from './settle.js';
import { Workshop } from './workshop.js';

/**
 * Delivers jobs through BullMQ, on Redis or on PostgreSQL, to whichever process works: the one that serves HTTP, or
 * others. The same decorators, pages, futures and guarantees as in one process; `docs/engines.md` says the rest.
 *
 * Needs a tracker that all these processes share: `typeOrmTracker()`, or `redisTracker()`.
 * @throws BackgroundOptionsError; at start, EngineUnavailableError within seconds where the queue cannot be reached.
 * @example BackgroundModule.forRoot({ tracker: typeOrmTracker(), engine: bullMqEngine({ redis: 'redis://localhost:6379' }) })
 */
export function bullMqEngine(options: BullMqEngineOptions): JobEngine {
  const settings = readBullMqOptions(options);
  const { redis, postgres } = options;
  const broker = postgres
    ? new PostgresBroker(postgres, settings)
    : new RedisBroker(redis!, settings);
  return new BullMqEngine(broker, settings);
}

/** Before the same trouble is logged again, in ms. */
const SAY_AGAIN = 10_000;

class BullMqEngine implements JobEngine {
  readonly distributed = true;
  readonly #logger = new Logger('Background');
  readonly #said = new Map<string, number>();
  readonly #expected = new Set<string>();
  #host!: EngineHost;
  #queue!: Queue;
  #adding!: Adding;
  #workshop: Workshop | undefined;
  #paused = false;
  #closing: Promise<void> | undefined;

  constructor(
    private readonly broker: Broker,
    private readonly settings: BullMqSettings,
  ) {}

  async open(host: EngineHost): Promise<void> {
    this.#host = host;
    this.#paused = false;
    this.#closing = undefined;
    await this.broker.open(() => host.recovered());
    this.#queue = this.broker.queue();
    this.#adding = new Adding(this.#queue);
    // A command that fails says so to whoever gave it.
    this.#queue.on('error', () => undefined);
    const { broker } = this;
    const warn = (message: string, error?: unknown): void => this.#warn(message, error);
    if (!this.settings.work) return;
    this.#workshop = new Workshop({
      ...{ host, broker, queue: this.#queue, lock: this.settings.lock, warn },
    });
  }

  begin(): void {
    if (!this.#paused) this.#workshop?.start();
  }

  async enqueue(ticket: JobTicket): Promise<void | StandIn> {
    try {
      await this.#refuseIfFull(ticket);
      const holder = await this.#add(ticket, ticket.uniqueKey);
      if (holder === ticket.id) return ticket.isAgain ? await this.#free(ticket) : undefined;
      if (!ticket.isAgain) return { standIn: holder };
      await this.#add(ticket);
    } catch (error) {
      if (error instanceof QueueFullError) throw error;
      throw new EngineUnavailableError(this.broker.address, error);
    }
  }

  async discard(id: string): Promise<void> {
    // One that is being delivered cannot be removed: its delivery finds out.
    await this.#queue.remove(id).catch(() => undefined);
  }

  lend(ticket: JobTicket, awaitedId: string): () => void {
    this.#expected.add(awaitedId);
    const hurried = this.#queue.getBackend().changePriority(awaitedId, FIRST);
    const first = hurried.catch(() => undefined);
    const takeBack = this.#workshop?.lend(ticket, awaitedId, first);
    return () => {
      this.#expected.delete(awaitedId);
      takeBack?.();
    };
  }

  vacate(ticket: JobTicket): void {
    this.#workshop?.vacate(ticket);
  }

  async pause(): Promise<void> {
    this.#paused = true;
    await this.#workshop?.pause();
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  async #close(): Promise<void> {
    await this.#workshop?.close();
    await this.#queue?.close();
    await this.broker.close();
  }

  /** The id of the job that the ticket is, or that stands in for it. */
  #add(ticket: JobTicket, uniqueKey?: string): Promise<string> {
    const { id, name, priority, runAt } = ticket;
    const delay = Math.max(0, Math.ceil((runAt ?? 0) - this.#host.clock.now()));
    const opts = {
      ...{ jobId: id, delay },
      priority: this.#expected.has(id) ? FIRST : bullPriority(priority),
      ...(uniqueKey === undefined ? {} : { deduplication: { id: uniqueKey } }),
    };
    return this.#adding.add({ name, data: messageOf(ticket), opts });
  }

  /** Ends a delivery that was begun earlier: it counts no more, and what it comes to is ignored. */
  async #free(ticket: JobTicket): Promise<void> {
    const { id } = ticket;
    const state = await this.#queue.getJobState(id);
    if (state === 'failed' || state === 'completed') await this.#queue.remove(id);
    if (state === 'active') await this.#takeAway(id);
    if (['failed', 'completed', 'active', 'unknown'].includes(state)) await this.#add(ticket);
  }

  async #takeAway(id: string): Promise<void> {
    try {
      // The token "0" is BullMQ's own word for "whoever holds it".
      await this.#queue.getBackend().moveJobFromActiveToWait(id, '0');
      await this.broker.wake(this.#queue);
    } catch (error) {
      if (codeOf(error) === undefined) throw error;
    }
  }

  /** One that is to be the job of another with its key adds nothing. */
  async #refuseIfFull({ name, isAccepted, uniqueKey }: JobTicket): Promise<void> {
    const { queueLimit } = this.#host;
    if (queueLimit === Infinity || isAccepted) return;
    const waiting = await this.#queue.getJobCountByTypes('wait', 'prioritized', 'delayed');
    if (waiting < queueLimit) return;
    const holder = uniqueKey && (await this.#queue.getDeduplicationJobId(uniqueKey));
    if (!holder) throw new QueueFullError(name, queueLimit);
  }

  #warn(what: string, error?: unknown): void {
    const why = error === undefined ? '' : `: ${toFailure(error).message}`;
    if (error !== undefined && !this.#isTimeToSay(why)) return;
    this.#logger.warn(`bullMqEngine() ${what}${why}`);
  }

  /** A queue that is away is so for every job and every try: that is said now and then. */
  #isTimeToSay(why: string): boolean {
    const now = Date.now();
    const isSaid = now - (this.#said.get(why) ?? 0) < SAY_AGAIN;
    if (this.#said.size > 100) this.#said.clear();
    if (!isSaid) this.#said.set(why, now);
    return !isSaid;
  }
}
