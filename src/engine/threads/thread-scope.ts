import { format } from 'node:util';
import { receiveMessageOnPort } from 'node:worker_threads';
import { checkProgress } from '../../context/in-job.js';
import type { JobContext } from '../../context/job-context.js';
import type { JobScope } from '../../context/scope.js';
import { toError } from '../../errors/failure.js';
import type { OutputStream } from '../../job/job-event.js';
import { systemClock } from '../../job/clock.js';
import { plainJson } from '../../job/plain-json.js';
import type { FromThread, ThreadTask, ToThread } from './thread-messages.js';

/** The scope of a job in its thread: what is written and reported goes to the thread that sent it. */
export class ThreadScope implements JobScope {
  readonly kind = 'job';
  readonly capturesConsole: boolean;
  readonly echoesConsole: boolean;
  readonly context: JobContext;
  readonly clock = systemClock;
  readonly #controller = new AbortController();

  constructor(
    private readonly task: ThreadTask,
    readonly runtime: object,
  ) {
    this.capturesConsole = task.capturesConsole;
    this.echoesConsole = task.echoesConsole;
    this.context = this.#makeContext();
    task.port.on('message', (message: ToThread) => this.#abort(message));
  }

  /** Jobs that are started in a thread are those of its own application: they take no slot of this one. */
  waits(): undefined {}

  write(text: string, stream: OutputStream): void {
    this.#post({ type: 'output', text, stream });
  }

  #makeContext(): JobContext {
    const { id, name, attempt } = this.task;
    const signal = this.#watchedSignal();
    return {
      ...{ id, name, attempt, signal },
      print: (...values) => this.write(`${format(...values)}\n`, 'stdout'),
      setProgress: (value, data) => this.#setProgress(value, data),
    };
  }

  #setProgress(value: number, data: unknown): void {
    checkProgress(value);
    this.#post({ type: 'progress', value, data: plainJson(data) ?? null });
  }

  /** A signal that can be asked in a loop that never lets the event loop turn, which is what threads are for. */
  #watchedSignal(): AbortSignal {
    const { signal } = this.#controller;
    const look = (): void => {
      const received = receiveMessageOnPort(this.task.port);
      if (received) this.#abort(received.message as ToThread);
    };
    const { get } = Object.getOwnPropertyDescriptor(AbortSignal.prototype, 'aborted')!;
    return Object.defineProperties(signal, {
      aborted: { get: () => (look(), get!.call(signal) as boolean) },
      throwIfAborted: { value: () => (look(), AbortSignal.prototype.throwIfAborted.call(signal)) },
    });
  }

  #abort({ reason }: ToThread): void {
    this.#controller.abort(toError(reason));
  }

  #post(message: FromThread): void {
    this.task.port.postMessage(message);
  }
}
