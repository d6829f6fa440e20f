import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { BroadcastChannel, MessageChannel } from 'node:worker_threads';
import type { Piscina } from 'piscina';
import { BackgroundOptionsError } from '../../errors/setup.errors.js';
import { newJobId } from '../../job/job-id.js';
import type { Clock } from '../../job/clock.js';
import type { ThreadCall, ThreadData, ThreadPool } from '../thread-pool.js';
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
  #piscina!: Piscina;

  // Nothing waits in piscina's own line: it forgets that line where the thread that would serve it is ended.
  readonly #turns: Turns;

  constructor(private readonly settings: PiscinaSettings) {
    this.#turns = new Turns(settings.max);
  }

  async open(): Promise<void> {
    const { app, max } = this.settings;
    if (!existsSync(app)) throw noApp(app);
    const Piscina = await importPiscina();
    const workerData: ThreadData = { background: { app: app.href, channel: this.#channelName } };
    this.#piscina = new Piscina({
      filename: fileURLToPath(new URL('./thread-entry.js', import.meta.url)),
      workerData,
      minThreads: 0,
      maxThreads: max,
      // A thread that is idle has an application all the same, with timers and connections: let its event loop turn.
      atomics: 'disabled',
      idleTimeout: Infinity,
    });
  }

  async run(call: ThreadCall): Promise<unknown> {
    await this.#turns.take();
    try {
      // Meanwhile it may have been stopped.
      call.signal.throwIfAborted();
      return await this.#runNow(call);
    } finally {
      this.#turns.giveBack();
    }
  }

  async close(): Promise<void> {
    if (!this.#piscina) return;
    await this.#closeApplications();
    await this.#piscina.destroy();
  }

  async #runNow(call: ThreadCall): Promise<unknown> {
    const { port1, port2 } = new MessageChannel();
    const running = new RunningCall(call, port1, this.settings);
    const options = { transferList: [port2], signal: running.killer };
    try {
      await this.#piscina.run(running.taskWith(port2), options);
      return running.result();
    } finally {
      running.close();
    }
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
