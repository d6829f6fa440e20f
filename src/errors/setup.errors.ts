import { BackgroundError } from './background.error.js';

/** An option, or an argument of one of the functions, that cannot be meant. Thrown where it was given. */
export class BackgroundOptionsError extends BackgroundError {
  override readonly name = 'BackgroundOptionsError';

  constructor(
    /** Where it was given, and under which name. */
    readonly option: string,
    readonly value: unknown,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** A dashboard that anybody could open, by a mistake, or that is said to be both open and guarded. Thrown at start. */
export class UnguardedDashboardError extends BackgroundError {
  override readonly name = 'UnguardedDashboardError';

  constructor(
    readonly path: string,
    isSaidToBePublic: boolean,
  ) {
    super(
      isSaidToBePublic
        ? `The dashboard at "${path}" has guards, and is said to be public. Leave out one of { guards } and { public: true }.`
        : `The dashboard at "${path}" shows the output, results and errors of all jobs, and has no guard. Name those who ` +
            `may see it: BackgroundDashboardModule.forRoot({ guards: [AdminGuard] }). Where a guard of the whole ` +
            `application stands before it, or everybody may see it, say so: { public: true }.`,
    );
  }
}

/** Two methods claim one job name, so that a stored job could not tell which of them to run. Thrown at start. */
export class DuplicateJobNameError extends BackgroundError {
  override readonly name = 'DuplicateJobNameError';

  constructor(
    readonly jobName: string,
    /** The two methods, `Class.method`. */
    readonly methods: readonly [string, string],
  ) {
    super(
      `Two @Background() methods are named "${jobName}": ${methods[0]} and ${methods[1]}. ` +
        `Give one of them a name of its own: @Background({ name: '…' }).`,
    );
  }
}

/** The GET at which a job would be watched, or the POST that cancels it, is taken by another route. Thrown at start. */
export class RouteClashError extends BackgroundError {
  override readonly name = 'RouteClashError';

  constructor(
    /** The handler whose job would be watched there, `Class.method`. */
    readonly handler: string,
    /** The handler that has the path, `Class.method`. */
    readonly takenBy: string,
    readonly path: string,
    use: 'watched at GET' | 'cancelled at POST' = 'watched at GET',
  ) {
    super(
      `Jobs of ${handler} are ${use} ${path}, but ${takenBy} answers there already. ` +
        `Give ${handler} a path of its own, such as "${path === '/' ? '' : path}/start".`,
    );
  }
}

/** A handler whose answer is a job is said to be a stream of events too, by `@Sse()`. Thrown at start. */
export class SseRouteError extends BackgroundError {
  override readonly name = 'SseRouteError';

  constructor(
    /** `Class.method`. */
    readonly handler: string,
  ) {
    super(
      `The answer of ${handler} is a job, which @Sse() would turn into events of its own. Leave out @Sse(), and put @Get() ` +
        `there: the URL of a job gives its events to whoever asks with "Accept: text/event-stream".`,
    );
  }
}
