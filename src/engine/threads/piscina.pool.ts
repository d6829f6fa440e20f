import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { BroadcastChannel, type MessagePort } from 'node:worker_threads';
import type { Piscina } from 'piscina';
import { Logger } from '@nestjs/common';
import { toFailure } from '../../errors/failure.js';
import { BackgroundOptionsError } from '../../errors/setup.errors.js';
import { newJobId } from '../../job/job-id.js';
import type { Clock } from '../../job/clock.js';
import type { FileLocks } from '../file-locks.js';
import type { ThreadCall, ThreadData, ThreadPool, ThreadRun } from '../thread-pool.js';
import { lendLocks } from './lock-lender.js';
import { RunningCall } from './running-call.js';
import type { PoolMessage } from './thread-messages.js';
import { Turns } from './turns.js';

export interface PiscinaSettings {
  /** The URL of the module that makes the application of a thread. */
  readonly app: URL;
  /** How many threads at most. */
  readonly max: number;
  /** How long a stopped method may go on, and a thread's application take to close, in ms. */
  readonly grace: number;
  readonly clock: Clock;
}

/** Threads of the `piscina` package, an optional peer. They are made as they are needed, and stay. */
export function piscinaPool(settings: PiscinaSettings): ThreadPool {
  return new PiscinaPool(settings);
}

class PiscinaPool implements ThreadPool {
  readonly #channelName = `nestjs-background:${newJobId()}`;
  readonly #logger = new Logger('Background');
  #piscina!: Piscina;
  #locks!: FileLocks;

  // Nothing waits in piscina's own line: it forgets that line where the thread that would serve it is ended.
  readonly #turns: Turns;

  constructor(private readonly settings: PiscinaSettings) {
    this.#turns = new Turns(settings.max);
  }

  async open(locks: FileLocks): Promise<void> {
    this.#locks = locks;
    const { app, max } = this.settings;
    if (!existsSync(app)) throw noApp(app);
    const Piscina = await importPiscina();
    const workerData: ThreadData = { background: { app: app.href, channel: this.#channelName } };
    this.#piscina = new Piscina({
      filename: fileURLToPath(new URL('./thread-door.cjs', import.meta.url)),
      workerData,
      minThreads: 0,
      maxThreads: max,
      // A thread that is idle has an application all the same, with timers and connections: let its event loop turn.
      atomics: 'disabled',
      idleTimeout: Infinity,
    });
    this.#piscina.on('error', (error) => this.#threadFailed(error));
  }

  run(call: ThreadCall): ThreadRun {
    const { grace, clock } = this.settings;
    const lend = (port: MessagePort): void => lendLocks(this.#locks, port);
    const running = new RunningCall(call, { grace, clock, lendLocks: lend });
    void this.#runInTurn(running);
    return running;
  }

  async close(): Promise<void> {
    if (!this.#piscina) return;
    await this.#closeApplications();
    await this.#piscina.destroy();
  }

  async #runInTurn(running: RunningCall): Promise<void> {
    await this.#turns.take();
    const stray = await running.runWith((task, port, signal) =>
      this.#piscina.run(task, { transferList: [port], signal }),
    );
    if (stray) this.#threadFailed(stray);
    this.#turns.giveBack();
  }

  /** Of code that a job has left behind: unheard, this event would end the process. */
  #threadFailed(error: unknown): void {
    const { message, stack } = toFailure(error);
    this.#logger.error(
      `A thread has ended with an error that nobody caught: ${message}. Await everything that a method starts.`,
      stack,
    );
  }

  /** Asks every thread to close its application, and waits for them, but not for ever. */
  async #closeApplications(): Promise<void> {
    let left = this.#piscina.threads.length;
    if (left === 0) return;
    const channel = new BroadcastChannel(this.#channelName);
    let stopTimer = (): void => {};
    await new Promise<void>((resolve) => {
      stopTimer = this.settings.clock.after(this.settings.grace, resolve, true);
      channel.onmessage = () => --left === 0 && resolve();
      channel.postMessage('close' satisfies PoolMessage);
    });
    stopTimer();
    channel.close();
  }
}

async function importPiscina(): Promise<typeof Piscina> {
  try {
    return (await import('piscina')).Piscina;
  } catch (error) {
    throw new BackgroundOptionsError(
      'threads',
      undefined,
      'forRoot({ threads }) needs the package "piscina", which is not there. Install it: npm i piscina',
      { cause: error },
    );
  }
}

function noApp(app: URL): BackgroundOptionsError {
  return new BackgroundOptionsError(
    'threads.app',
    app.href,
    `forRoot({ threads }): there is no module ${fileURLToPath(app)}. Give "app" the path of a built module, from the ` +
      'directory in which the application is started, such as "./dist/worker-app.js".',
  );
}
