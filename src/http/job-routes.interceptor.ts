import {
  ForbiddenException,
  HttpException,
  Inject,
  Injectable,
  Logger,
  NotFoundException,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import { HEADERS_METADATA } from '@nestjs/common/constants.js';
import { HttpAdapterHost } from '@nestjs/core';
import { EMPTY, lastValueFrom, of, type Observable } from 'rxjs';
import { runInScope } from '../context/scope.js';
import { RUNTIME } from '../decorators/runtime-injection.js';
import { routeOptionsOf, type BackgrounderOptions } from '../decorators/route-door.js';
import { toFailure } from '../errors/failure.js';
import { TrackerUnavailableError } from '../errors/tracker.errors.js';
import type { JobFuture } from '../future/job-future.js';
import { isJobId } from '../job/job-id.js';
import type { JobOrigin, JobRecord } from '../job/job.js';
import { accessTo, type Access } from '../job/origin.js';
import type { BackgroundRuntime } from '../runtime/background-runtime.js';
import {
  acceptedAnswer,
  errorHeaders,
  lookAnswer,
  outcomeAnswer,
  prefetchAnswer,
  redirectAnswer,
  type JobHead,
} from './answers.js';
import { companionsOf } from './companion.js';
import { exposedJob } from './exposed-job.js';
import { HandlerScope } from './handler-scope.js';
import { held } from './hold.js';
import { HttpDoor } from './http-door.js';
import { jobToShow } from './job-to-show.js';
import { waitForStep } from './live.js';
import { negotiate, type CancelChoice, type PollChoice, type StartChoice } from './negotiate.js';
import { ownerFrom } from './owner.js';
import { pageLocation, pollLocation } from './poll-location.js';
import type { Preferences } from './prefer.js';
import { noSuchJob, refuse } from './refuse.js';
import { pathOf } from './request-view.js';
import { isSameOrigin } from './same-origin.js';
import { showJob } from './show-job.js';
import { starterOf, startersOf, type Starter } from './starters.js';
import { takesResponse } from './takes-response.js';

/** Starts and shows jobs at the routes under `@Backgrounder()`. */
@Injectable()
export class JobRoutesInterceptor implements NestInterceptor {
  readonly #logger = new Logger('Background');

  constructor(
    @Inject(RUNTIME) private readonly runtime: BackgroundRuntime,
    private readonly host: HttpAdapterHost,
  ) {}

  async intercept(context: ExecutionContext, next: CallHandler): Promise<Observable<unknown>> {
    const door = this.#doorOf(context);
    try {
      return await this.#answer(context, door, next);
    } catch (error) {
      return error instanceof TrackerUnavailableError ? refuse(door, error) : rethrow(error);
    }
  }

  #doorOf(context: ExecutionContext): HttpDoor {
    const http = context.switchToHttp();
    const nestReplies = !takesResponse(context);
    return new HttpDoor(this.host.httpAdapter, http.getRequest(), http.getResponse(), nestReplies);
  }

  async #answer(
    context: ExecutionContext,
    door: HttpDoor,
    next: CallHandler,
  ): Promise<Observable<unknown>> {
    const choice = negotiate(door, this.runtime.settings.http.param);
    const isCompanion = companionsOf(context.getHandler()) !== undefined;
    if (choice.kind === 'start' && !isCompanion) return this.#start(context, door, choice, next);
    door.removeHeaders(headersOfHandler(context));
    if (choice.kind === 'poll') return this.#poll(context, door, choice);
    if (choice.kind === 'cancel') return this.#cancel(context, door, choice);
    if (isCompanion) throw new NotFoundException(`Cannot ${door.method} ${door.url}`);
    door.answer(choice.kind === 'look' ? lookAnswer() : prefetchAnswer());
    return answered();
  }

  async #poll(
    context: ExecutionContext,
    door: HttpDoor,
    choice: PollChoice,
  ): Promise<Observable<unknown>> {
    const { record, route } = await this.#jobShown(context, door, choice.id);
    const onError = (error: unknown): void => this.#reportLostReader(record, error);
    await showJob({ runtime: this.runtime, door, route, choice, record, onError });
    return answered();
  }

  /** Under the guards of the route, for whoever may see the job, and from no other site's page. */
  async #cancel(
    context: ExecutionContext,
    door: HttpDoor,
    { id, face }: CancelChoice,
  ): Promise<Observable<unknown>> {
    const { route } = await this.#jobShown(context, door, id);
    if (!route.cancel) throw new NotFoundException(`Cannot ${door.method} ${door.url}`);
    if (!isSameOrigin(door)) {
      door.setHeaders(errorHeaders());
      throw new ForbiddenException('A job is cancelled from its own page only.');
    }
    await this.runtime.control.cancel(id, 'asked for on its page');
    const head = await this.#headOf(id);
    const location = pageLocation(door.url, this.runtime.settings.http.param, id);
    door.answer(
      face === 'json' && head
        ? outcomeAnswer(head, exposedJob(head.record, route.expose), location)
        : redirectAnswer(id, location),
    );
    return answered();
  }

  async #jobShown(context: ExecutionContext, door: HttpDoor, id: string): Promise<Shown> {
    const record = isJobId(id) ? await this.runtime.settings.tracker.find(id) : undefined;
    for (const starter of record ? startersOf(context) : []) {
      const origin = this.#originOfPoll(starter, context, door);
      const access = origin ? accessTo(record!.origin, origin) : 'none';
      if (access !== 'none') return { record: record!, route: optionsFor(access, starter) };
    }
    return noSuchJob(door);
  }

  /** Answers with the job as soon as there is one, while the handler may go on; without one, as the handler does. */
  async #start(
    context: ExecutionContext,
    door: HttpDoor,
    choice: StartChoice,
    next: CallHandler,
  ): Promise<Observable<unknown>> {
    const scope = new HandlerScope(
      this.runtime,
      this.#originOf(starterOf(context.getHandler()), context, door),
    );
    const handled = runInScope(scope, () =>
      lastValueFrom<unknown, unknown>(next.handle(), { defaultValue: EMPTY }),
    );
    const accepted = await jobToShow(scope, handled).catch((error: unknown) =>
      this.#explainFailure(error, scope, door),
    );
    if (!accepted) {
      await scope.refusalsAreHeard().catch((error: unknown) => refuse(door, error));
      scope.printHead();
      return ownAnswer(await handled);
    }
    const { job } = accepted;
    await job.handedOver;
    await scope.shared();
    handled.catch((error: unknown) => this.#reportLateFailure(job, error));
    await this.#answerWith(job, context, door, choice);
    return answered();
  }

  /** A handler that fails answers as usual; that it had started a job before is told apart by a link to it. */
  async #explainFailure(error: unknown, scope: HandlerScope, door: HttpDoor): Promise<never> {
    const accepted = await scope.accepted();
    if (accepted) this.#pointAt(accepted.job, door);
    else scope.printHead();
    if (await scope.isRefusal(error)) return refuse(door, error);
    throw error;
  }

  #pointAt(job: JobFuture<unknown>, door: HttpDoor): void {
    const location = pollLocation(door.url, this.runtime.settings.http.param, job.id);
    door.setHeaders({ link: `<${location}>; rel="status"` });
  }

  async #answerWith(
    { id }: JobFuture<unknown>,
    context: ExecutionContext,
    door: HttpDoor,
    { answer, prefer }: StartChoice,
  ): Promise<void> {
    if (prefer.wait) await this.#waitForEnd(id, door, prefer.wait);
    const head = await this.#headOf(id, prefer);
    const location = pollLocation(door.url, this.runtime.settings.http.param, id);
    const { expose } = routeOptionsOf(context.getHandler()) ?? {};
    // A handler that took its time may have outlived its job, and what is kept of it.
    const forPrograms = prefer.wait ? outcomeAnswer : acceptedAnswer;
    door.answer(
      answer === 'accepted' && head
        ? forPrograms(head, exposedJob(head.record, expose), location)
        : redirectAnswer(id, location, prefer),
    );
  }

  async #waitForEnd(id: string, door: HttpDoor, seconds: number): Promise<void> {
    const { tracker } = this.runtime.settings;
    const after = Number.MAX_SAFE_INTEGER;
    await held(this.runtime, door, seconds, (signal) =>
      waitForStep({ tracker, id, after, signal }, () => false),
    );
  }

  async #headOf(id: string, applied?: Preferences): Promise<JobHead | undefined> {
    const { tracker, clock } = this.runtime.settings;
    const record = await tracker.find(id);
    return record && { record, now: clock.now(), applied };
  }

  /** A job belongs to the very path and host that started it, since guards may decide by their parameters. */
  #originOf({ name, options }: Starter, context: ExecutionContext, door: HttpDoor): JobOrigin {
    const owner = options.owner ?? this.runtime.settings.http.owner;
    return {
      route: `${context.getClass().name}.${name} ${door.hostParams}${pathOf(door.url)}`,
      owner: ownerFrom(owner?.(context.switchToHttp().getRequest<never>())),
    };
  }

  /** Whoever cannot be told from others is shown nobody's jobs; why, is nothing for them to know. */
  #originOfPoll(
    starter: Starter,
    context: ExecutionContext,
    door: HttpDoor,
  ): JobOrigin | undefined {
    try {
      return this.#originOf(starter, context, door);
    } catch (error) {
      const { message, stack } = toFailure(error);
      const isMeant = error instanceof HttpException;
      if (!isMeant)
        this.#logger.error(`The owner of a request could not be told: ${message}`, stack);
      return undefined;
    }
  }

  #reportLostReader({ name, id }: JobRecord, error: unknown): void {
    const { message, stack } = toFailure(error);
    this.#logger.error(`A reader of job ${name} (${id}) was cut off: ${message}`, stack);
  }

  #reportLateFailure(job: JobFuture<unknown>, error: unknown): void {
    const { message, stack } = toFailure(error);
    this.#logger.error(
      `The handler of job ${job.name} (${job.id}) failed after its answer: ${message}`,
      stack,
    );
  }
}

interface Shown {
  readonly record: JobRecord;
  /** The options of the handler that started it. */
  readonly route: BackgrounderOptions;
}

/** Who has joined a job that others wait for may look on, and not cancel it. */
function optionsFor(access: Access, { options }: Starter): BackgrounderOptions {
  return access === 'joined' ? { ...options, cancel: false } : options;
}

/** What `@Header()` put on the response is meant for the handler's answer alone. */
function headersOfHandler(context: ExecutionContext): string[] {
  const headers: unknown = Reflect.getMetadata(HEADERS_METADATA, context.getHandler());
  return ((headers as { name: string }[] | undefined) ?? []).map(({ name }) => name);
}

function rethrow(error: unknown): never {
  throw error;
}

/** What the handler itself came to; one of an Observable without a value stays without. */
function ownAnswer(value: unknown): Observable<unknown> {
  return value === EMPTY ? EMPTY : of(value);
}

/** Nest goes on as after any handler; what it replies then is dropped. */
function answered(): Observable<undefined> {
  return of(undefined);
}
