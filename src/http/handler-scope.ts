import type { HeadLine, StartScope } from '../context/scope.js';
import type { JobFuture } from '../future/job-future.js';
import type { Clock } from '../job/clock.js';
import type { JobOrigin } from '../job/job.js';
import type { OutputStream } from '../job/job-event.js';
import type { BackgroundRuntime } from '../runtime/background-runtime.js';

/** Around a handler whose answer is a job: notes what it prints before it starts one, and which it starts. */
export class HandlerScope implements StartScope {
  readonly kind = 'start';
  readonly clock: Clock;
  readonly capturesConsole: boolean;
  // A handler is no job: for its lines nothing changes on the console.
  readonly echoesConsole = true;
  /** Fulfilled when the handler begins to wait for a job that it has started. */
  readonly waiting: Promise<void>;
  readonly #jobs: JobFuture<unknown>[] = [];
  #head: HeadLine[] = [];
  #headLength = 0;
  readonly #printed: string[] = [];
  readonly #sharing: Promise<void>[] = [];
  #nowWaiting!: () => void;

  constructor(
    readonly runtime: BackgroundRuntime,
    readonly origin: JobOrigin,
  ) {
    this.clock = runtime.settings.clock;
    this.capturesConsole = runtime.settings.output.console !== 'off';
    this.waiting = new Promise((resolve) => (this.#nowWaiting = resolve));
  }

  /** The first job that it has started and not undone, by rolling a transaction back. */
  get job(): JobFuture<unknown> | undefined {
    return this.#jobs.find((job) => !job.isUndone);
  }

  write(text: string, stream: OutputStream): void {
    const isTooLate = this.#jobs.length > 0;
    if (isTooLate || this.#headLength > this.runtime.settings.output.maxBytes) return;
    this.#headLength += text.length;
    this.#head.push({ text, stream });
  }

  /** What would be of a job if one were started; else it is for the console, which has what was written there already. */
  print(text: string): void {
    if (this.#jobs.length > 0) return printOut(text);
    this.#printed.push(text);
    this.write(text, 'stdout');
  }

  /** The handler has ended, and no job was started. */
  printHead(): void {
    this.#printed.splice(0).forEach(printOut);
  }

  started(job: JobFuture<unknown>, sharing?: Promise<void>): readonly HeadLine[] {
    this.#jobs.push(job);
    if (sharing) this.#share(sharing);
    const head = this.#head;
    this.#head = [];
    this.#printed.length = 0;
    return head;
  }

  /** Fulfilled when the jobs can be seen here that others had started. @throws what kept one from it */
  async shared(): Promise<void> {
    await Promise.all(this.#sharing);
  }

  #share(sharing: Promise<void>): void {
    // The handler may take longer.
    sharing.catch(() => undefined);
    this.#sharing.push(sharing);
  }

  waits(): undefined {
    if (this.#jobs.length > 0) this.#nowWaiting();
  }
}

/** As `print` does outside of jobs. */
function printOut(text: string): void {
  console.log('%s', text.replace(/\n$/, ''));
}
