import { format } from 'node:util';
import { receiveMessageOnPort } from 'node:worker_threads';
import { checkProgress } from '../../context/in-job.js';
import type { JobContext } from '../../context/job-context.js';
import type { JobScope } from '../../context/scope.js';
import type { OutputStream } from '../../job/job-event.js';
import { systemClock } from '../../job/clock.js';
import { plainJson } from '../../job/plain-json.js';
import type { JobTransactions, TransactionWish } from '../../transaction/job-transactions.js';
import { Conclusion } from './conclusion.js';
import { fromCrossing, Line } from './line.js';
import type {
  FromThread,
  MarkQuestion,
  ThreadQuestion,
  ThreadTask,
  ToThread,
} from './thread-messages.js';

/** The runtime of a thread's application, as far as the thread needs it. */
export interface ThreadRuntime {
  readonly transactions: JobTransactions;
}

/** The scope of a job in its thread: what is written and reported goes to the thread that sent it. */
export class ThreadScope implements JobScope {
  readonly kind = 'job';
  readonly capturesConsole: boolean;
  readonly echoesConsole: boolean;
  readonly context: JobContext;
  readonly clock = systemClock;
  readonly conclusion: Conclusion;
  readonly #controller = new AbortController();
  readonly #line: Line<MarkQuestion, ThreadQuestion>;
  #runtime: ThreadRuntime | undefined;

  constructor(private readonly task: ThreadTask) {
    this.capturesConsole = task.capturesConsole;
    this.echoesConsole = task.echoesConsole;
    this.context = this.#makeContext();
    this.#line = new Line(task.port, (question) => this.conclusion.answer(question));
    this.conclusion = new Conclusion(
      (question) => this.#line.ask(question) as Promise<number | undefined>,
    );
    task.port.on('message', (message: ToThread) => this.#take(message));
  }

  get runtime(): object {
    return this.#runtime!;
  }

  /** Once the application is there: the job's transaction is on its DataSources. @throws BackgroundOptionsError */
  enter(runtime: ThreadRuntime): void {
    this.#runtime = runtime;
    const { id, name } = this.task;
    const wish = { name, transaction: this.task.transaction as TransactionWish['transaction'] };
    runtime.transactions.check(wish);
    const job = { wrote: () => this.#post({ type: 'wrote' }) };
    const began = (): void => this.#post({ type: 'transaction' });
    this.conclusion.enter(runtime.transactions.forJob(wish, id, job, began));
    this.#post({ type: 'called' });
  }

  /** Jobs that are started in a thread are those of its own application: they take no slot of this one. */
  waits(): undefined {}

  awaitsRecordOf(): () => void {
    return () => {};
  }

  /** What a job waits for in its thread is not told. */
  pauses(): () => void {
    return () => {};
  }

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
      if (received) this.#take(received.message as ToThread);
    };
    const { get } = Object.getOwnPropertyDescriptor(AbortSignal.prototype, 'aborted')!;
    return Object.defineProperties(signal, {
      aborted: { get: () => (look(), get!.call(signal) as boolean) },
      throwIfAborted: { value: () => (look(), AbortSignal.prototype.throwIfAborted.call(signal)) },
    });
  }

  #take(message: ToThread): void {
    if (message.type === 'abort') this.#controller.abort(fromCrossing(message.reason));
    else this.#line.take(message);
  }

  #post(message: FromThread): void {
    this.task.port.postMessage(message);
  }
}
