import { format } from 'node:util';
import { checkProgress } from '../context/in-job.js';
import type { JobContext } from '../context/job-context.js';
import { runInScope, type JobScope, type WaitingFor } from '../context/scope.js';
import type { WaitNode } from '../future/wait-graph.js';
import type { OutputStream } from '../job/job-event.js';
import type { Clock } from '../job/clock.js';
import type { JobActivity, JobRecord } from '../job/job.js';
import type { SharedDelay } from '../job/shared-delay.js';
import type { ConcludableTransaction, JobTransaction } from '../transaction/job-transaction.js';
import type { JobTransactions } from '../transaction/job-transactions.js';
import { AttemptActivity } from './attempt-activity.js';
import type { Outcome } from './outcome.js';
import type { PendingCall } from './pending-call.js';
import type { Slots } from './slots.js';

const NOW = Promise.resolve(undefined);

/** What an attempt needs of the runner. */
export interface AttemptHost {
  readonly runtime: object;
  readonly clock: Clock;
  readonly capturesConsole: boolean;
  readonly echoesConsole: boolean;
  /** A short while, of `MOMENT`. */
  readonly moment: SharedDelay;
  readonly slots: Slots;
  readonly transactions: JobTransactions;
  write(call: PendingCall, text: string, stream: OutputStream, attempt: number): void;
  setProgress(call: PendingCall, attempt: number, value: number, data: unknown): void;
  setActivity(call: PendingCall, attempt: number, activity: JobActivity): void;
  /** The method is over, or the attempt was stopped. */
  performed(attempt: Attempt, outcome: Outcome): void;
}

/** One run of a job: the scope its method runs in, and the way to stop it. */
export class Attempt implements JobScope {
  /** Set when the start is recorded. */
  number = 0;
  /** Set when the end is recorded, in the job's own transaction. */
  recorded: JobRecord | undefined;
  /** The job as it is, where its end was not for this attempt to record. */
  elsewhere: JobRecord | undefined;
  /** The mark "completed" was written, and what became of the COMMIT is not known. */
  isInDoubt = false;
  /** A commit was begun that no mark goes with: if its answer is lost, nothing tells what became of it. */
  isUnmarked = false;
  stopTimeout: (() => void) | undefined;
  /** How often in a row the job was cut off before. */
  stalled = 0;
  /** The job's transaction, where there is a database, and the method runs here. */
  readonly transaction: JobTransaction | undefined;
  /** What is to be ended with the attempt: its transaction, or the one that it has in its thread. */
  concludes: ConcludableTransaction | undefined;
  #over = false;
  #context: JobContext | undefined;
  #controller: AbortController | undefined;
  #interruption: Error | undefined;
  #isRunning = false;
  #giveUpPlace: (() => void) | undefined;
  #activity: AttemptActivity | undefined;
  #changeWait: ((next?: WaitingFor) => void) | undefined;

  constructor(
    readonly call: PendingCall,
    private readonly host: AttemptHost,
  ) {
    // Where there is no database, nothing asks for the job's id.
    if (host.transactions.hasDatabase) {
      this.transaction = host.transactions.forJob(call.definition, call.id, this);
    }
    this.concludes = this.transaction;
  }

  get kind(): 'job' {
    return 'job';
  }

  get runtime(): object {
    return this.host.runtime;
  }

  get clock(): Clock {
    return this.host.clock;
  }

  get capturesConsole(): boolean {
    return this.host.capturesConsole;
  }

  /** What it left behind has no output to print to any more. */
  get echoesConsole(): boolean {
    return this.#over || this.host.echoesConsole;
  }

  get transactions(): JobTransactions {
    return this.host.transactions;
  }

  /** What `currentJob` gives. Made on first use, as the signal is: most jobs never ask. */
  get context(): JobContext {
    return (this.#context ??= this.#makeContext());
  }

  /** The error that stopped the attempt from outside, if one did. */
  get interruption(): Error | undefined {
    return this.#interruption;
  }

  /** Whether what the outcome threw is the very interruption, not an error of the method, such as a child's timeout. */
  wasEndedBy(kind: new (...args: never[]) => Error, thrown: unknown): boolean {
    return thrown === this.#interruption && thrown instanceof kind;
  }

  write(text: string, stream: OutputStream): void {
    if (!this.#over) this.host.write(this.call, text, stream, this.number);
  }

  setProgress(value: number, data: unknown = null): void {
    checkProgress(value);
    if (!this.#over) this.host.setProgress(this.call, this.number, value, data);
  }

  /** Its start is recorded. */
  starts({ attempt, stalled = 0 }: Pick<JobRecord, 'attempt' | 'stalled'>): undefined {
    this.stalled = stalled;
    this.number = this.call.attempts = attempt;
  }

  /** Stops the attempt: it is over at once, and the signal aborted. False where it is over, or stopped already. */
  interrupt(error: Error): boolean {
    if (this.#over || this.#interruption) return false;
    this.#interruption = error;
    this.#giveUpPlace?.();
    if (this.#isRunning) this.#endSoon({ thrown: error });
    if (this.#controller) this.#abort(this.#controller, error);
    return true;
  }

  /** In the context of the job, whoever stops it: what listens to the signal is the job's code, and prints there. */
  #abort(controller: AbortController, error: Error): void {
    this.call.inContext(() => runInScope(this, () => controller.abort(error), this.transaction));
  }

  /** Waits until there is a place for it, or it is stopped. */
  takePlace(place: Promise<void>): Promise<undefined> {
    if (this.#interruption) return NOW;
    const goOn = this.pauses({ what: 'place' });
    return new Promise((resolve) => {
      const take = (): void => {
        goOn();
        resolve(undefined);
      };
      this.#giveUpPlace = take;
      void place.then(take);
    });
  }

  /** The method is about to be called. False where the attempt was stopped before. */
  begins(): boolean {
    this.#isRunning = true;
    if (this.#interruption) this.#end({ thrown: this.#interruption });
    return this.#isRunning;
  }

  /** Tells once what comes first: the end of the method, or an interruption. What comes after it is ignored. */
  endsWith(running: Promise<unknown>): void {
    void running.then(
      (value) => this.#end({ value }),
      (thrown: unknown) => this.#end({ thrown }),
    );
  }

  #end(outcome: Outcome): void {
    this.close();
    if (!this.#isRunning) return;
    this.#isRunning = false;
    this.host.performed(this, outcome);
  }

  /** Once the signal is aborted; and in the context of the job, whoever stopped it. */
  #endSoon(outcome: Outcome): void {
    this.#isRunning = false;
    this.call.inContext(() => void NOW.then(() => this.host.performed(this, outcome)));
  }

  /** The method waits for a job, and lends its slot meanwhile. Once the attempt is over there is none to lend. */
  waits(job: WaitNode): Error | undefined {
    if (this.#over) return undefined;
    return this.call.future.node.waitFor(
      job,
      (awaited) => this.lend(awaited),
      (awaited) => this.#noteWait(awaited),
    );
  }

  awaitsRecordOf(jobId: string): () => void {
    return this.node().waitForRecordOf(jobId);
  }

  node(): WaitNode {
    return this.call.future.node;
  }

  lend(awaited: WaitNode): () => void {
    return this.host.slots.lend(this.call, awaited);
  }

  pauses(waiting: WaitingFor): () => void {
    const goOn = this.#over ? undefined : this.#noted.wait(waiting);
    return () => goOn?.();
  }

  /** Its transaction has written. */
  wrote(): void {
    if (!this.#over) this.#noted.wrote();
  }

  /** Its transaction is about to be committed, and another job can go on on the connection. */
  passOn(): void {
    this.host.slots.passOn(this.call);
  }

  /** Whatever the method still prints or reports comes too late: a timer left behind, a signal ignored. */
  close(): void {
    if (this.#over) return;
    this.#over = true;
    this.#activity?.close();
    this.call.future.stopWaiting();
  }

  get #noted(): AttemptActivity {
    return (this.#activity ??= new AttemptActivity(this.clock, this.host.moment, (activity) =>
      this.host.setActivity(this.call, this.number, activity),
    ));
  }

  #noteWait(job: WaitNode | undefined): void {
    const waiting = job && ({ what: 'job', name: job.name, id: job.id } as const);
    if (waiting && !this.#changeWait) this.#changeWait = this.#noted.wait(waiting);
    else this.#changeWait?.(waiting);
    if (!waiting) this.#changeWait = undefined;
  }

  get #signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#interruption) this.#controller.abort(this.#interruption);
    return this.#controller.signal;
  }

  #makeContext(): JobContext {
    const signal = (): AbortSignal => this.#signal;
    return {
      id: this.call.id,
      name: this.call.definition.name,
      attempt: this.number,
      get signal() {
        return signal();
      },
      print: (...values) => this.write(`${format(...values)}\n`, 'stdout'),
      setProgress: (value, data) => this.setProgress(value, data),
    };
  }
}
