import type { HeadLine, StartScope } from '../context/scope.js';
import type { JobFuture } from '../future/job-future.js';
import type { Clock } from '../job/clock.js';
import type { JobOrigin } from '../job/job.js';
import type { OutputStream } from '../job/job-event.js';
import type { BackgroundRuntime } from '../runtime/background-runtime.js';

/** In an object, since an async function that gave the job itself would wait for its end. */
export interface AcceptedJob {
  readonly job: JobFuture<unknown>;
}

/** Around a handler whose answer is a job: notes what it prints before it starts one, and which it starts. */
export class HandlerScope implements StartScope {
  readonly kind = 'start';
  readonly clock: Clock;
  readonly capturesConsole: boolean;
  // A handler is no job: for its lines nothing changes on the console.
  readonly echoesConsole = true;
  /** What it has started, each with whether others hear of a refusal: another handler may have called the same job. */
  readonly #jobs = new Map<JobFuture<unknown>, boolean>();
  #head: HeadLine[] = [];
  #headLength = 0;
  readonly #printed: string[] = [];
  readonly #sharing: Promise<void>[] = [];
  #waiting!: Promise<void>;
  #nowWaiting!: () => void;

  constructor(
    readonly runtime: BackgroundRuntime,
    readonly origin: JobOrigin,
  ) {
    this.clock = runtime.settings.clock;
    this.capturesConsole = runtime.settings.output.console !== 'off';
    this.#watchForWait();
  }

  /** Fulfilled when the handler begins to wait for a job the next time, after it has started one. */
  get waiting(): Promise<void> {
    return this.#waiting;
  }

  /** The first job that was accepted, and not undone by rolling a transaction back. */
  async accepted(): Promise<AcceptedJob | undefined> {
    // Those that are started meanwhile are walked too.
    for (const job of this.#jobs.keys()) {
      if (!job.isUndone && (await isAccepted(job)) && !job.isUndone) return { job };
    }
    return undefined;
  }

  /** Where no job was accepted. @throws what refused one whose call hears nothing of it */
  async refusalsAreHeard(): Promise<void> {
    for (const [job, wasHeard] of this.#jobs) {
      const isHeard = job.isRefusalHeard && !wasHeard;
      if (!isHeard && !job.isUndone) await job.acceptedForAnswer();
    }
  }

  /** Whether it is what refused one of the jobs. */
  async isRefusal(error: unknown): Promise<boolean> {
    const refusals = [...this.#jobs.keys()].map((job) => isRefusedWith(error, job));
    return (await Promise.all(refusals)).includes(true);
  }

  write(text: string, stream: OutputStream): void {
    const isTooLate = this.#jobs.size > 0;
    if (isTooLate || this.#headLength > this.runtime.settings.output.maxBytes) return;
    this.#headLength += text.length;
    this.#head.push({ text, stream });
  }

  /** What would be of a job if one were started; else it is for the console, which has what was written there already. */
  print(text: string): void {
    if (this.#jobs.size > 0) return printOut(text);
    this.#printed.push(text);
    this.write(text, 'stdout');
  }

  /** The handler has ended, and no job was started. */
  printHead(): void {
    this.#printed.splice(0).forEach(printOut);
  }

  started(job: JobFuture<unknown>, sharing?: Promise<void>): readonly HeadLine[] {
    if (!this.#jobs.has(job)) this.#jobs.set(job, job.isRefusalHeard);
    // One that was there already has a beginning of its own.
    if (sharing) {
      this.printHead();
      this.#share(job, sharing);
    }
    const head = this.#head;
    this.#head = [];
    this.#printed.length = 0;
    return head;
  }

  /** Fulfilled when the jobs can be seen here that others had started. @throws what kept one from it */
  async shared(): Promise<void> {
    await Promise.all(this.#sharing);
  }

  #share(job: JobFuture<unknown>, sharing: Promise<void>): void {
    // A job that is refused is seen nowhere.
    const shared = isAccepted(job).then((accepted) => (accepted ? sharing : undefined));
    // The handler may take longer.
    for (const promise of [sharing, shared]) promise.catch(() => undefined);
    this.#sharing.push(shared);
  }

  waits(): undefined {
    if (this.#jobs.size === 0) return;
    this.#nowWaiting();
    this.#watchForWait();
  }

  #watchForWait(): void {
    this.#waiting = new Promise((resolve) => (this.#nowWaiting = resolve));
  }
}

function isAccepted(job: JobFuture<unknown>): Promise<boolean> {
  return job.acceptance.then(
    () => true,
    () => false,
  );
}

function isRefusedWith(error: unknown, job: JobFuture<unknown>): Promise<boolean> {
  return job.acceptance.then(
    () => false,
    (refusal: unknown) => refusal === error,
  );
}

/** As `print` does outside of jobs. */
function printOut(text: string): void {
  console.log('%s', text.replace(/\n$/, ''));
}
