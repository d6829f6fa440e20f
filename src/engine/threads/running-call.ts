import { MessageChannel, receiveMessageOnPort, type MessagePort } from 'node:worker_threads';
import { BackgroundError } from '../../errors/background.error.js';
import type { Clock } from '../../job/clock.js';
import type { ThreadCall, ThreadDatabase, ThreadMark, ThreadRun } from '../thread-pool.js';
import { crossingOf, fromCrossing, Line, type CrossingError } from './line.js';
import type {
  Ending,
  FromThread,
  MarkQuestion,
  ThreadEnd,
  ThreadQuestion,
  ThreadTask,
  ToThread,
} from './thread-messages.js';

export interface CallSettings {
  /** How long a stopped method may go on, in ms. */
  readonly grace: number;
  readonly clock: Clock;
  /** Serves a thread's line to the locks of the process. */
  lendLocks(port: MessagePort): void;
}

/** Has a thread run a task, until it is done or the signal ends the thread. */
export type RunTask = (
  task: ThreadTask,
  port: MessagePort,
  killer: AbortSignal,
) => Promise<unknown>;

/** A call from this side of its thread: hands on what the thread says, tells it what to do, and stops it. */
export class RunningCall implements ThreadRun {
  readonly result: Promise<unknown>;
  isCutOff = false;
  readonly #channel = new MessageChannel();
  readonly #line: Line<ThreadQuestion, MarkQuestion>;
  readonly #killer = new AbortController();
  readonly #stop = (): void => this.#askToStop();
  #began = false;
  #hasTransaction = false;
  #isConcluded = false;
  #settle!: (end: ThreadEnd) => void;
  #fail!: (error: unknown) => void;
  #stopTimer: (() => void) | undefined;
  #mark: ThreadMark | undefined;

  constructor(
    private readonly call: ThreadCall,
    private readonly settings: CallSettings,
  ) {
    this.result = new Promise<ThreadEnd>((resolve, reject) => {
      this.#settle = resolve;
      this.#fail = reject;
    }).then(valueOf);
    this.result.catch(() => undefined);
    this.#line = new Line(this.#port, ({ places }) => this.#markIn(places));
    this.#port.on('message', (message: FromThread) => this.#take(message));
    call.signal.addEventListener('abort', this.#stop, { once: true });
  }

  /** Fulfilled when the thread has nothing to do with it any more; with an error that came when all else was done. */
  async runWith(run: RunTask): Promise<unknown> {
    const port = this.#channel.port2;
    try {
      // Meanwhile it may have been stopped.
      this.call.signal.throwIfAborted();
      this.call.placed();
      await run(this.#taskWith(port), port, this.#killer.signal);
      this.#over(
        new BackgroundError(`The thread of job ${this.call.name} ended without a result.`),
      );
      return undefined;
    } catch (error) {
      this.#over(error as Error);
      return this.#isConcluded && !this.#killer.signal.aborted ? error : undefined;
    }
  }

  async commit(mark: ThreadMark): Promise<void> {
    this.#mark = mark;
    const fault = await this.#end({ what: 'commit' });
    if (fault) throw fromCrossing(fault);
  }

  /** A thread that has begun no transaction has nothing to undo: nobody need wait until it listens. */
  async rollBack(): Promise<void> {
    const rolledBack = this.#end({ what: 'roll back' }).catch(() => undefined);
    if (this.#hasTransaction) await rolledBack;
  }

  async #end(how: ThreadQuestion): Promise<CrossingError | undefined> {
    const { fault, isCutOff } = (await this.#line.ask(how)) as Ending;
    this.isCutOff = isCutOff;
    this.#isConcluded = true;
    return fault;
  }

  get #port(): MessagePort {
    return this.#channel.port1;
  }

  #taskWith(port: MessagePort): ThreadTask {
    const { id, name, attempt, owner, key, args, transaction } = this.call;
    const { capturesConsole, echoesConsole } = this.call;
    return {
      ...{ id, name, attempt, owner, key, args, transaction },
      ...{ capturesConsole, echoesConsole, port },
    };
  }

  /** What it said last may still be on its way to the listener. */
  #over(error: Error): void {
    for (let next = this.#receive(); next; next = this.#receive()) this.#take(next);
    this.#fail(error);
    this.#line.cut(error);
    this.#stopTimer?.();
    this.call.signal.removeEventListener('abort', this.#stop);
    this.#port.close();
  }

  #receive(): FromThread | undefined {
    return receiveMessageOnPort(this.#port)?.message as FromThread | undefined;
  }

  #take(message: FromThread): void {
    switch (message.type) {
      case 'began':
        return this.#begins(message.locks);
      case 'called':
        return this.call.called();
      case 'output':
        return this.call.write(message.text, message.stream);
      case 'progress':
        return this.call.setProgress(message.value, message.data);
      case 'wrote':
        return this.call.wrote();
      case 'transaction':
        this.#hasTransaction = true;
        return;
      case 'ask':
      case 'answer':
      case 'refusal':
        return this.#line.take(message);
      default:
        return this.#settle(message);
    }
  }

  #begins(locks: MessagePort | undefined): void {
    this.#began = true;
    if (locks) this.settings.lendLocks(locks);
  }

  async #markIn(places: MarkQuestion['places']): Promise<number | undefined> {
    const open = places.map((place, index) => this.#databaseAt(place, index));
    const marked = await this.#mark?.(open);
    return marked && open.indexOf(marked);
  }

  #databaseAt(place: string | undefined, index: number): ThreadDatabase {
    return {
      place,
      query: (sql, parameters) => this.#line.ask({ what: 'query', index, sql, parameters }),
    };
  }

  /** A method that listens may end by itself; one that does not loses its thread. */
  #askToStop(): void {
    if (!this.#began) return this.#killer.abort();
    const { clock, grace } = this.settings;
    this.#port.postMessage({
      type: 'abort',
      reason: crossingOf(this.call.signal.reason),
    } satisfies ToThread);
    this.#stopTimer = clock.after(grace, () => this.#killer.abort(), true);
  }
}

function valueOf(end: ThreadEnd): unknown {
  if (end.type === 'error') throw fromCrossing(end.error);
  if (end.type === 'thrown') throw end.value;
  return end.value;
}
