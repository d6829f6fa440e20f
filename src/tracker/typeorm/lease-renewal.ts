import { createRequire } from 'node:module';
import { clearInterval, setInterval } from 'node:timers';
import { setTimeout as wait } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { driverConnection } from './driver-connection.js';
import type { DataSourceLike } from './data-source-like.js';
import { keepLease, type LeaseWorkerData } from './lease-worker.js';

export interface RenewalSettings {
  readonly dataSource: DataSourceLike;
  readonly owner: string;
  /** How long the lease lives that is not renewed, in ms. */
  readonly ttl: number;
  readonly statement: string;
  /** The same statement, on a connection of the tracker's. */
  renewHere(): Promise<void>;
  warn(message: string): void;
}

/** Renews the lease of this process from a thread; where none can be had, from here. */
export class LeaseRenewal {
  #worker: Worker | undefined;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(private readonly settings: RenewalSettings) {}

  /** The first time is here, and waited for: no job is taken without a lease. */
  async start(): Promise<void> {
    await this.settings.renewHere();
    try {
      this.#startThread(await this.#workerData());
    } catch (error) {
      this.#renewHere(error);
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#timer);
    const worker = this.#worker;
    if (!worker) return;
    const exited = new Promise((resolve) => worker.once('exit', resolve));
    worker.postMessage('stop');
    const patience = new AbortController();
    await Promise.race([exited, wait(1_000, undefined, patience)]);
    patience.abort();
    await worker.terminate();
  }

  #startThread(workerData: LeaseWorkerData): void {
    const worker = new Worker(`(${keepLease.toString()})()`, {
      ...{ eval: true, workerData, execArgv: [], name: 'background-lease' },
    });
    worker.once('error', (error) => this.#renewHere(error));
    worker.unref();
    this.#worker = worker;
  }

  #renewHere(error: unknown): void {
    this.#worker = undefined;
    if (this.#stopped || this.#timer) return;
    this.settings.warn(
      `The lease of this process is renewed from its main thread, since none of its own could be had ` +
        `(${error instanceof Error ? error.message : String(error)}). A job that computes for seconds ` +
        `without a pause may be taken for dead, and run again elsewhere.`,
    );
    const renew = (): void => void this.settings.renewHere().catch(() => undefined);
    this.#timer = setInterval(renew, this.settings.ttl / 3);
    this.#timer.unref();
  }

  async #workerData(): Promise<LeaseWorkerData> {
    const { dataSource, owner, statement, ttl } = this.settings;
    const { kind, connection } = await driverConnection(dataSource.options, ttl);
    return {
      ...{ kind, connection, statement, owner },
      driverPath: driverPath(kind === 'pg' ? 'pg' : 'mysql2/promise'),
      interval: ttl / 3,
      retryInterval: ttl / 20,
    };
  }
}

/** The driver that TypeORM uses: it is a dependency of the application, and TypeORM's peer. */
function driverPath(name: string): string {
  const here = createRequire(import.meta.url);
  return createRequire(here.resolve('typeorm')).resolve(name);
}
