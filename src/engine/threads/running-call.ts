import { receiveMessageOnPort, type MessagePort } from 'node:worker_threads';
import { BackgroundError } from '../../errors/background.error.js';
import { toError, toFailure } from '../../errors/failure.js';
import type { Clock } from '../../job/clock.js';
import type { ThreadCall } from '../thread-pool.js';
import type { FromThread, ThreadEnd, ThreadTask, ToThread } from './thread-messages.js';

/** A call from this side of its thread: hands on what the thread says, and stops it. */
export class RunningCall {
  readonly #killer = new AbortController();
  readonly #stop = (): void => this.#askToStop();
  #began = false;
  #end: ThreadEnd | undefined;
  #stopTimer: (() => void) | undefined;

  constructor(
    private readonly call: ThreadCall,
    private readonly port: MessagePort,
    private readonly settings: { readonly grace: number; readonly clock: Clock },
  ) {
    port.on('message', (message: FromThread) => this.#take(message));
    call.signal.addEventListener('abort', this.#stop, { once: true });
  }

  /** Aborted when the thread is to be ended. */
  get killer(): AbortSignal {
    return this.#killer.signal;
  }

  taskWith(port: MessagePort): ThreadTask {
    const { id, name, attempt, owner, key, args, capturesConsole, echoesConsole } = this.call;
    return { id, name, attempt, owner, key, args, capturesConsole, echoesConsole, port };
  }

  /** Once the thread is done. What it said last may still be on its way to the listener. */
  result(): unknown {
    for (let next = this.#receive(); next; next = this.#receive()) this.#take(next);
    if (!this.#end)
      throw new BackgroundError(`The thread of job ${this.call.name} ended without a result.`);
    if (this.#end.type === 'error')
      throw Object.assign(toError(this.#end.failure), this.#end.fields);
    if (this.#end.type === 'thrown') throw this.#end.value;
    return this.#end.value;
  }

  close(): void {
    this.#stopTimer?.();
    this.call.signal.removeEventListener('abort', this.#stop);
    this.port.close();
  }

  #receive(): FromThread | undefined {
    return receiveMessageOnPort(this.port)?.message as FromThread | undefined;
  }

  #take(message: FromThread): void {
    if (message.type === 'began') this.#began = true;
    else if (message.type === 'output') this.call.write(message.text, message.stream);
    else if (message.type === 'progress') this.call.setProgress(message.value, message.data);
    else this.#end = message;
  }

  /** A method that listens may end by itself; one that does not loses its thread. */
  #askToStop(): void {
    if (!this.#began) return this.#killer.abort();
    const { clock, grace } = this.settings;
    const message: ToThread = { type: 'abort', reason: toFailure(this.call.signal.reason) };
    this.port.postMessage(message);
    this.#stopTimer = clock.after(grace, () => this.#killer.abort(), true);
  }
}
