import { clearInterval, setInterval } from 'node:timers';
import { setTimeout as wait } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { connectLease, keepLease, type LeaseWorkerData } from './lease-worker.js';

export interface RenewalSettings {
  /** How long the lease lives that is not renewed, in ms. */
  readonly ttl: number;
  /** What the thread renews it with. @throws where the options of the connection cannot go to a thread. */
  threadData(): Promise<Omit<LeaseWorkerData, 'interval' | 'retryInterval'>>;
  /** Renews it on a connection of the tracker's. */
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
    this.#worker = undefined;
    if (!worker) return;
    const exited = new Promise((resolve) => worker.once('exit', resolve));
    worker.postMessage('stop');
    const patience = new AbortController();
    await Promise.race([exited, wait(1_000, undefined, patience)]);
    patience.abort();
    await worker.terminate();
  }

  #startThread(workerData: LeaseWorkerData): void {
    const worker = new Worker(`(${keepLease.toString()})(${connectLease.toString()})`, {
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
    const { threadData, ttl } = this.settings;
    return { ...(await threadData()), interval: ttl / 3, retryInterval: ttl / 20 };
  }
}
