import { Logger } from '@nestjs/common';
import { currentJobScope, currentScope } from '../context/scope.js';
import { Dispatcher } from '../dispatch/dispatcher.js';
import { JobControl } from '../dispatch/job-control.js';
import { BackgroundError } from '../errors/background.error.js';
import { JobDeadlockError } from '../errors/deadlock.error.js';
import { isJobId } from '../job/job-id.js';
import { chain, type MaybePromise } from '../job/maybe-promise.js';
import { captureConsole } from '../output/console-capture.js';
import { JobRegistry } from '../registry/job-registry.js';
import { EndedCalls } from '../run/ended-calls.js';
import type { DeliveryOutcome, JobTicket, TakePlace } from '../engine/job-engine.js';
import { threadData } from '../engine/thread-pool.js';
import { JobReporter } from '../run/job-reporter.js';
import { JobRunner } from '../run/job-runner.js';
import { JobRecovery, type InstanceFinder } from './job-recovery.js';
import { LiveReaders } from './live-readers.js';
import type { RuntimeSettings } from './runtime-options.js';
import { JobTransactions, type FindDataSources } from '../transaction/job-transactions.js';
import { keeperOf } from '../tracker/memory/memory.tracker.js';
import { checkShared } from './split-engine.js';
import { shutDown, within } from './shut-down.js';

/** The parts of one application, put together. Two applications in a process have two, and share nothing. */
export class BackgroundRuntime {
  readonly registry: JobRegistry;
  readonly runner: JobRunner;
  readonly control: JobControl;
  readonly dispatcher: Dispatcher;
  readonly recovery: JobRecovery;
  readonly transactions: JobTransactions;
  readonly readers = new LiveReaders();
  readonly reporter: JobReporter;
  #releaseConsole: (() => void) | undefined;
  #closing: Promise<void> | undefined;

  constructor(
    readonly settings: RuntimeSettings,
    findDataSources?: FindDataSources,
  ) {
    const { tracker, engine, clock, defaults, output, retention } = settings;
    const logger = new Logger('Background');
    const reporter = (this.reporter = new JobReporter(logger));
    const { concurrency } = settings;
    const keeper = keeperOf(tracker);
    const locks = threadData()?.locks;
    this.transactions = new JobTransactions(clock, logger, concurrency, locks, findDataSources);
    this.registry = new JobRegistry(defaults, whereThreadsAre(settings));
    this.runner = new JobRunner({
      ended: new EndedCalls(clock, retention),
      threads: settings.threads,
      keeper,
      ...{ runtime: this, tracker, engine, clock, reporter, maxBytes: output.maxBytes },
      capturesConsole: output.console !== 'off',
      echoesConsole: output.console === 'tee',
      transactions: this.transactions,
      maxStalledCount: settings.maxStalledCount,
    });
    this.control = new JobControl({ tracker, engine, clock, runner: this.runner });
    this.dispatcher = new Dispatcher({
      ...{ tracker, engine, clock, reporter, runner: this.runner, control: this.control },
      ...{ registry: this.registry, context: settings.context, keeper, retention },
    });
    this.recovery = new JobRecovery({
      ...{ tracker, clock, logger, registry: this.registry, dispatcher: this.dispatcher },
      context: settings.context,
      maxStalledCount: settings.maxStalledCount,
    });
  }

  /** Opens the threads, the tracker, then the engine. */
  open(): MaybePromise<void> {
    return chain(this.settings.threads?.open(this.transactions), () => this.#openRest());
  }

  #openRest(): MaybePromise<void> {
    const { tracker, engine, clock, retention, concurrency, queueLimit, output } = this.settings;
    if (output.console !== 'off') this.#releaseConsole = captureConsole(currentScope);
    const deliver: JobRunner['deliver'] = (ticket, place) => this.#deliver(ticket, place);
    const start: JobRunner['start'] = (ticket, over, place) =>
      this.runner.start(ticket, over, place);
    const ready = (id: string): void => this.runner.ready(id);
    const recovered = (): void => this.dispatcher.relay.recovered();
    if (engine.distributed) this.dispatcher.relay.open();
    const duties = threadData() ? { inThread: true } : { recovery: this.recovery };
    return chain(tracker.open({ clock, retention, ...duties }), () =>
      engine.open({ clock, concurrency, queueLimit, deliver, start, ready, recovered }),
    );
  }

  /** Runs a job again that has failed or was cancelled, here or in another process. */
  async retry(id: string): Promise<boolean> {
    if (this.isClosed || !isJobId(id)) return false;
    return (await this.dispatcher.retry(id)) || this.recovery.retry(id);
  }

  /** The application's DataSources are there. @throws BackgroundOptionsError where the engine is shared, and the tracker is not */
  async connect(dataSources: ReadonlyMap<string, object>): Promise<void> {
    const { tracker, engine } = this.settings;
    await tracker.connect?.(dataSources);
    checkShared(tracker, engine);
  }

  /** The application's providers are ready: jobs of other processes may run. */
  begin(instanceOf: InstanceFinder): void {
    this.recovery.begin(instanceOf);
    this.settings.engine.begin?.();
  }

  /** At once, for a job of this process: its slot is to be free before its future settles. */
  #deliver(ticket: JobTicket, place?: TakePlace): Promise<DeliveryOutcome> {
    const isElsewhere = this.settings.engine.distributed && !this.runner.pending(ticket.id);
    return isElsewhere ? this.#adopt(ticket) : this.runner.deliver(ticket, place);
  }

  async #adopt(ticket: JobTicket): Promise<DeliveryOutcome> {
    return (await this.recovery.adopt(ticket)) ?? this.runner.deliver(ticket);
  }

  /** Waits until no call is pending here, at most `timeout` ms. @throws BackgroundError when they are over; JobDeadlockError in a job. */
  async drain(timeout?: number): Promise<void> {
    const job = currentJobScope();
    if (job?.runtime === this) throw new JobDeadlockError([job.context]);
    const drained = this.runner.idle();
    if (timeout === undefined || (await within(this.settings.clock, timeout, drained))) {
      return drained;
    }
    const left = this.runner.pendingCalls().length;
    if (left === 0) return;
    throw new BackgroundError(
      `drain() gave up after ${timeout} ms with ${left} jobs left. Give it more time, or cancel them first.`,
    );
  }

  /** Whether it takes no more jobs. */
  get isClosed(): boolean {
    return this.#closing !== undefined;
  }

  /** Ends the application's jobs. Calling it again gives the same promise. */
  close(): Promise<void> {
    return (this.#closing ??= shutDown(this).finally(() => this.#releaseConsole?.()));
  }
}

function whereThreadsAre({ threads }: RuntimeSettings): 'here' | 'missing' | 'inside' {
  if (threadData()) return 'inside';
  return threads ? 'here' : 'missing';
}
