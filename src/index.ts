export type { JobContext } from './context/job-context.js';
export { currentJob, print, setProgress } from './context/in-job.js';
export { withProgress, type WithProgressOptions } from './context/with-progress.js';
export {
  background,
  type BackgroundView,
  type InBackground,
} from './decorators/background.function.js';
export { Background } from './decorators/background.decorator.js';
export { Backgrounder } from './decorators/backgrounder.decorator.js';
export type { BackgrounderOptions, ExposeOptions, JobView } from './decorators/route-door.js';
export type {
  DeliveryOutcome,
  EngineHost,
  JobEngine,
  JobTicket,
  StandIn,
} from './engine/job-engine.js';
export type { FileLocks, LockParty, Release, WaitRules } from './engine/file-locks.js';
export type {
  ThreadCall,
  ThreadDatabase,
  ThreadMark,
  ThreadPool,
  ThreadRun,
} from './engine/thread-pool.js';
export { localEngine } from './engine/local/local.engine.js';
export { BackgroundError } from './errors/background.error.js';
export {
  JobCancelledError,
  JobContextError,
  JobInterruptedError,
  JobNotFoundError,
  JobTimeoutError,
  QueueFullError,
} from './errors/job.errors.js';
export { ContextNotCarriedError } from './errors/context.errors.js';
export { EngineUnavailableError } from './errors/engine.errors.js';
export { JobDeadlockError } from './errors/deadlock.error.js';
export { TrackerUnavailableError } from './errors/tracker.errors.js';
export {
  ArgumentsNotSerializableError,
  ResultNotSerializableError,
  ThreadError,
} from './errors/thread.errors.js';
export {
  DatabaseBusyError,
  JobTransactionEndedError,
  JobTransactionError,
  TimedQuerySnapshotError,
  TimedQueryTimeoutError,
} from './errors/transaction.errors.js';
export { outsideTransaction } from './transaction/outside-transaction.js';
export { timedQuery, type TimedQueryOptions } from './transaction/timed-query.js';
export {
  BackgroundOptionsError,
  DuplicateJobNameError,
  RouteClashError,
  SseRouteError,
} from './errors/setup.errors.js';
export { jobOf, JobFuture } from './future/job-future.js';
export { Timeout } from './future/timeout.js';
export { transparent, type PipelinedArgs, type Transparent } from './future/transparent.js';
export type { Clock } from './job/clock.js';
export type { Duration } from './job/duration.js';
export type {
  Job,
  JobActivity,
  JobFailure,
  JobOrigin,
  JobProgress,
  JobRecord,
  JobState,
  JobWait,
  JobWaitKind,
} from './job/job.js';
export type { JobEvent, OutputStream } from './job/job-event.js';
export type { MaybePromise } from './job/maybe-promise.js';
export { applyChange, isFinal, type JobChange } from './job/state-machine.js';
export {
  BackgroundModule,
  type BackgroundModuleAsyncOptions,
  type BackgroundOptionsFactory,
} from './module/background.module.js';
export { BackgroundService } from './module/background.service.js';
export type { OutputAppend, OutputChunk, OutputGap, OutputPage } from './output/output-chunk.js';
export type {
  BackgroundOptions,
  ConcurrencyOptions,
  RetryOptions,
  TransactionOptions,
  UniqueOptions,
} from './registry/background-options.js';
export type { ContextCarrier } from './registry/context-carrier.js';
export type {
  BackgroundModuleOptions,
  HttpOptions,
  OutputOptions,
  RetentionOptions,
} from './runtime/runtime-options.js';
export type { ThreadOptions } from './runtime/thread-options.js';
export type {
  JobQuery,
  JobTracker,
  OpenTransaction,
  Recovery,
  Retention,
  TrackerSettings,
} from './tracker/job-tracker.js';
export type { ProgressTracker } from './tracker/memory/four-methods.js';
export { fromProgressTracker } from './tracker/memory/progress.tracker.js';
export { memoryTracker } from './tracker/memory/memory.tracker.js';
export { typeOrmTracker, type TypeOrmTrackerOptions } from './tracker/typeorm/typeorm.tracker.js';
