import {
  Inject,
  Injectable,
  Logger,
  NotFoundException,
  ServiceUnavailableException,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import { HEADERS_METADATA } from '@nestjs/common/constants.js';
import { HttpAdapterHost } from '@nestjs/core';
import { EMPTY, lastValueFrom, of, type Observable } from 'rxjs';
import { runInScope } from '../context/scope.js';
import { RUNTIME } from '../decorators/runtime-injection.js';
import { routeOptionsOf } from '../decorators/route-door.js';
import { toFailure } from '../errors/failure.js';
import { JobInterruptedError, QueueFullError } from '../errors/job.errors.js';
import type { JobFuture } from '../future/job-future.js';
import { isJobId } from '../job/job-id.js';
import type { JobOrigin, JobRecord } from '../job/job.js';
import type { BackgroundRuntime } from '../runtime/background-runtime.js';
import {
  acceptedAnswer,
  errorHeaders,
  jsonAnswer,
  lookAnswer,
  prefetchAnswer,
  redirectAnswer,
  textAnswer,
} from './answers.js';
import { companionOf } from './companion.js';
import { HandlerScope } from './handler-scope.js';
import { HttpDoor } from './http-door.js';
import { negotiate, type Choice } from './negotiate.js';
import { pollLocation } from './poll-location.js';
import { pathOf } from './request-view.js';

type Start = Extract<Choice, { kind: 'start' }>;
type Poll = Extract<Choice, { kind: 'poll' }>;

/** Starts and shows jobs at the routes under `@Backgrounder()`. */
@Injectable()
export class JobRoutesInterceptor implements NestInterceptor {
  readonly #logger = new Logger('Background');

  constructor(
    @Inject(RUNTIME) private readonly runtime: BackgroundRuntime,
    private readonly host: HttpAdapterHost,
  ) {}

  async intercept(context: ExecutionContext, next: CallHandler): Promise<Observable<unknown>> {
    const http = context.switchToHttp();
    const door = new HttpDoor(this.host.httpAdapter, http.getRequest(), http.getResponse());
    const choice = negotiate(door, this.runtime.settings.http.param);
    const isCompanion = companionOf(context.getHandler()) !== undefined;
    if (choice.kind === 'start' && !isCompanion) return this.#start(context, door, choice, next);
    door.removeHeaders(headersOfHandler(context));
    if (choice.kind === 'poll') return this.#poll(context, door, choice);
    if (isCompanion) throw new NotFoundException(`Cannot ${door.method} ${door.url}`);
    door.answer(choice.kind === 'look' ? lookAnswer() : prefetchAnswer());
    return answered();
  }

  async #poll(
    context: ExecutionContext,
    door: HttpDoor,
    { id, face, after }: Poll,
  ): Promise<Observable<unknown>> {
    const { tracker } = this.runtime.settings;
    const record = isJobId(id) ? await tracker.find(id) : undefined;
    // The output after the record: where the record says the end, the output is whole.
    const page = record && (await tracker.output(id, after));
    if (!record || !page || !isShownTo(record, this.#originOf(context, door))) {
      door.setHeaders(errorHeaders());
      throw new NotFoundException('There is no such job here.');
    }
    door.answer(face === 'json' ? jsonAnswer(record, page) : textAnswer(record, page));
    return answered();
  }

  /** Runs the handler until it has returned or waits for a job, whichever is first, then answers with the job. */
  async #start(
    context: ExecutionContext,
    door: HttpDoor,
    choice: Start,
    next: CallHandler,
  ): Promise<Observable<unknown>> {
    const scope = new HandlerScope(this.runtime, this.#originOf(context, door));
    const handled = runInScope(scope, () =>
      lastValueFrom<unknown, unknown>(next.handle(), { defaultValue: EMPTY }),
    );
    await Promise.race([handled, scope.waiting]);
    const [job] = scope.jobs;
    if (!job) return ownAnswer(await handled);
    await job.accepted.catch((error: unknown) => refuse(door, error));
    handled.catch((error: unknown) => this.#reportLateFailure(job, error));
    await this.#answerWith(job, door, choice);
    return answered();
  }

  async #answerWith(job: JobFuture<unknown>, door: HttpDoor, choice: Start): Promise<void> {
    const { http, tracker } = this.runtime.settings;
    const location = pollLocation(door.url, http.param, job.id);
    // A handler that took its time may have outlived its job, and what is kept of it.
    const record = choice.answer === 'accepted' ? await tracker.find(job.id) : undefined;
    door.answer(
      record
        ? acceptedAnswer(record, location, choice.respondAsync)
        : redirectAnswer(job.id, location),
    );
  }

  /** A job belongs to the very path that started it, since guards may decide by its parameters. */
  #originOf(context: ExecutionContext, door: HttpDoor): JobOrigin {
    const handler = context.getHandler();
    const name = companionOf(handler) ?? handler.name;
    const owner = routeOptionsOf(handler)?.owner ?? this.runtime.settings.http.owner;
    return {
      route: `${context.getClass().name}.${name} ${pathOf(door.url)}`,
      owner: owner?.(context.switchToHttp().getRequest<never>()),
    };
  }

  #reportLateFailure(job: JobFuture<unknown>, error: unknown): void {
    const { message, stack } = toFailure(error);
    this.#logger.error(
      `The handler of job ${job.name} (${job.id}) failed after its answer: ${message}`,
      stack,
    );
  }
}

function isShownTo({ origin }: JobRecord, asking: JobOrigin): boolean {
  return origin?.route === asking.route && origin.owner === asking.owner;
}

/** What `@Header()` put on the response is meant for the handler's answer alone. */
function headersOfHandler(context: ExecutionContext): string[] {
  const headers: unknown = Reflect.getMetadata(HEADERS_METADATA, context.getHandler());
  return ((headers as { name: string }[] | undefined) ?? []).map(({ name }) => name);
}

function refuse(door: HttpDoor, error: unknown): never {
  const isFull = error instanceof QueueFullError;
  if (!isFull && !(error instanceof JobInterruptedError)) throw error;
  door.setHeaders(errorHeaders(isFull ? error.retryAfter : undefined));
  throw new ServiceUnavailableException('No job can be accepted now. Try again later.', {
    cause: error,
  });
}

/** What the handler itself came to; one of an Observable without a value stays without. */
function ownAnswer(value: unknown): Observable<unknown> {
  return value === EMPTY ? EMPTY : of(value);
}

/** Nest goes on as after any handler; what it replies then is dropped. */
function answered(): Observable<undefined> {
  return of(undefined);
}
