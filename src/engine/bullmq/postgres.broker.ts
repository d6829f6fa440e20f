import { createPostgresBackend, Queue, Worker } from 'bullmq';
import { EngineUnavailableError } from '../../errors/engine.errors.js';
import { queueOptions, workerOptions, type Broker } from './broker.js';
import type { KeyLimits } from './key-limits.js';
import type { BullMqEngineOptions, BullMqPostgresOptions, BullMqSettings } from './options.js';
import { PostgresLimits } from './postgres-limits.js';

type Place = NonNullable<BullMqEngineOptions['postgres']>;

const PATIENCE = 3_000;
/** For what is enqueued and settled: a statement fails where nobody answers. */
const HASTY = { connectionTimeoutMillis: PATIENCE, query_timeout: 10_000, max: 4, keepAlive: true };
const PATIENT = { connectionTimeoutMillis: PATIENCE, max: 2, keepAlive: true };
const REMEDY =
  'See to it that PostgreSQL runs and can be reached from here, that its user and password are right, and that this ' +
  'user may create the schema of the queue.';

/** BullMQ on its PostgreSQL backend, over connections of its own. */
export class PostgresBroker implements Broker {
  readonly address: string;
  readonly #place: BullMqPostgresOptions;
  #limits: PostgresLimits | undefined;

  constructor(
    place: Place,
    private readonly settings: BullMqSettings,
  ) {
    const options = typeof place === 'string' ? { connectionString: place } : place;
    this.#place = { migrate: true, schema: 'bullmq', ...options };
    this.address = addressOf(this.#place);
  }

  async open(): Promise<void> {
    const probe = this.queue();
    probe.on('error', ignore);
    try {
      await probe.waitUntilReady();
      this.#limits = new PostgresLimits(this.#place, HASTY, this.settings);
      await this.#limits.open();
    } catch (error) {
      await this.close();
      throw new EngineUnavailableError(this.address, error, REMEDY);
    } finally {
      await probe.close();
    }
  }

  queue(): Queue {
    const connection = { ...this.#place, ...HASTY };
    const options = { connection, ...queueOptions(this.settings) };
    return new Queue(this.settings.queue, options, createPostgresBackend as never);
  }

  worker(): Worker {
    const options = { connection: { ...this.#place, ...PATIENT }, ...workerOptions(this.settings) };
    return new Worker(this.settings.queue, null, options, createPostgresBackend as never);
  }

  /** A worker that is closed while it waits would wait for ever. */
  async interrupt(worker: Worker): Promise<void> {
    await worker.getBackend().disconnectBlocking();
  }

  limits(): KeyLimits {
    return this.#limits!;
  }

  /** PostgreSQL tells the workers of each job that waits. */
  async wake(): Promise<void> {}

  async close(): Promise<void> {
    await this.#limits?.close();
  }
}

function addressOf({ connectionString, host, port, database }: BullMqPostgresOptions): string {
  if (connectionString && URL.canParse(connectionString)) {
    const url = new URL(connectionString);
    return `postgres://${url.host}${url.pathname}`;
  }
  return `postgres://${host ?? 'localhost'}:${port ?? 5432}/${database ?? ''}`;
}

function ignore(): void {}
