import {
  BadRequestException,
  ConflictException,
  ForbiddenException,
  Inject,
  Injectable,
  Logger,
  NotFoundException,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { ExposeOptions } from '../decorators/route-door.js';
import { RUNTIME } from '../decorators/runtime-injection.js';
import { toFailure } from '../errors/failure.js';
import { BackgroundOptionsError } from '../errors/setup.errors.js';
import {
  documentAnswer,
  doneAnswer,
  errorHeaders,
  outcomeAnswer,
  valueAnswer,
} from '../http/answers.js';
import { exposedJob } from '../http/exposed-job.js';
import { HttpDoor, type PlatformRequest, type PlatformResponse } from '../http/http-door.js';
import { chosenFrom, faceFor, negotiate, type PollChoice } from '../http/negotiate.js';
import { newNonce, pagePolicy } from '../http/page/policy.js';
import { asked, askedId } from '../http/poll-location.js';
import { noSuchJob, refuse } from '../http/refuse.js';
import { isSameOrigin } from '../http/same-origin.js';
import { showJob } from '../http/show-job.js';
import { isJobId } from '../job/job-id.js';
import type { JobRecord } from '../job/job.js';
import type { BackgroundRuntime } from '../runtime/background-runtime.js';
import { beforeCommand, COMMANDS, linksFrom, type Command } from './table-links.js';
import { tablePage } from './table-page.js';
import { readTableQuery } from './table-query.js';

/** The token of what a dashboard shows of results and errors. */
export const EXPOSE = Symbol('what the dashboard shows of results and errors');

// The first is for clients that take anything.
const TABLES = { 'application/json': 'json', 'text/html': 'html' } as const;

/** Shows all jobs of the application, whichever route started them, and does what is asked of one. */
@Injectable()
export class Dashboard {
  readonly #logger = new Logger('Background');

  constructor(
    @Inject(RUNTIME) private readonly runtime: BackgroundRuntime,
    private readonly host: HttpAdapterHost,
    @Inject(EXPOSE) private readonly expose: ExposeOptions,
  ) {}

  /** Answers with the table, or with the job that the URL names. */
  show(request: PlatformRequest, response: PlatformResponse): Promise<void> {
    return this.#answer(request, response, async (door) => {
      const choice = negotiate(door, this.#param);
      await (choice.kind === 'poll' ? this.#showJob(door, choice) : this.#showTable(door));
    });
  }

  /** Cancels a job or runs it again, for a form or a program, and leads back to where that was asked for. */
  act(request: PlatformRequest, response: PlatformResponse): Promise<void> {
    return this.#answer(request, response, async (door) => {
      const command = COMMANDS.find((name) => asked(door.url, name) !== undefined);
      if (!command) throw new NotFoundException(`Cannot ${door.method} ${door.url}`);
      if (!isSameOrigin(door)) throw new ForbiddenException('Only the dashboard itself may ask.');
      const id = askedId(door.url, this.#param) ?? asked(door.url, command);
      const record = await this.#find(door, id);
      await this.#do(command, record);
      await this.#answerAfter(door, record);
    });
  }

  get #param(): string {
    return this.runtime.settings.http.param;
  }

  async #answer(
    request: PlatformRequest,
    response: PlatformResponse,
    work: (door: HttpDoor) => Promise<void>,
  ): Promise<void> {
    const door = new HttpDoor(this.host.httpAdapter, request, response);
    try {
      await work(door);
    } catch (error) {
      door.setHeaders(errorHeaders());
      if (error instanceof BackgroundOptionsError) throw new BadRequestException(error.message);
      refuse(door, error);
    }
  }

  async #showJob(door: HttpDoor, choice: PollChoice): Promise<void> {
    const { runtime, expose } = this;
    const record = await this.#find(door, choice.id);
    const table = linksFrom(door.url, this.#param);
    const onError = (error: unknown): void => this.#reportLostReader(record, error);
    const route = { cancel: true, expose };
    await showJob({ runtime, door, choice, record, route, table, onError });
  }

  async #showTable(door: HttpDoor): Promise<void> {
    const { tracker, clock } = this.runtime.settings;
    const query = readTableQuery(door.url);
    // One more than is shown, to know whether there are any.
    const found = await tracker.list({ ...query, limit: query.limit + 1 });
    const records = found.slice(0, query.limit);
    const next = found.length > query.limit ? records.at(-1)!.id : null;
    const counts = await tracker.counts();
    if (chosenFrom(door, TABLES, 'json') === 'json') {
      const jobs = records.map((record) => exposedJob(record, this.expose));
      return door.answer(valueAnswer({ counts, jobs, next }));
    }
    const [nonce, links] = [newNonce(), linksFrom(door.url, this.#param)];
    const view = { query, counts, records, next, links, nonce, now: clock.now() };
    const page = tablePage({ ...view, expose: this.expose });
    door.answer(documentAnswer(page.text, pagePolicy(nonce, true)));
  }

  async #find(door: HttpDoor, id: string | undefined): Promise<JobRecord> {
    const record = isJobId(id) ? await this.runtime.control.peek(id) : undefined;
    return record ?? noSuchJob(door);
  }

  /** What the job is beyond already, by a second click say, is done. */
  async #do(command: Command, { id }: JobRecord): Promise<void> {
    if (command === '_cancel') {
      await this.runtime.control.cancel(id, 'asked for on the dashboard');
      return;
    }
    if (await this.runtime.retry(id)) return;
    const record = await this.runtime.control.peek(id);
    if (record?.state !== 'failed' && record?.state !== 'cancelled') return;
    throw new ConflictException(
      'The job cannot be run again: nothing is kept of its call, or the application is about to end. Call its method again.',
    );
  }

  async #answerAfter(door: HttpDoor, { id }: JobRecord): Promise<void> {
    const back = beforeCommand(door.url);
    const record = await this.runtime.control.peek(id);
    if (!record || faceFor(door) !== 'json') return door.answer(doneAnswer(back));
    const head = { record, now: this.runtime.settings.clock.now() };
    const { job } = linksFrom(door.url, this.#param);
    door.answer(outcomeAnswer(head, exposedJob(record, this.expose), job(id)));
  }

  #reportLostReader({ name, id }: JobRecord, error: unknown): void {
    const { message, stack } = toFailure(error);
    this.#logger.error(`A reader of job ${name} (${id}) was cut off: ${message}`, stack);
  }
}
