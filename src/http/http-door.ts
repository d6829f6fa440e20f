// Taken from the module, not from the global, so that a test's fake timers cannot hold answers back.
import { setImmediate } from 'node:timers';
import type { OutgoingHttpHeader, ServerResponse } from 'node:http';
import type { HttpServer } from '@nestjs/common';
import type { HttpAnswer } from './answers.js';
import { ReplyHold, type ReplyingResponse } from './reply-hold.js';
import { originForm, type RequestView } from './request-view.js';

/** What Express and Fastify have in common of a request. */
export interface PlatformRequest {
  readonly method: string;
  readonly url: string;
  readonly originalUrl?: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** What Nest has read from the host, for `@HostParam()`. */
  readonly hosts?: Readonly<Record<string, string>>;
}

export type PlatformResponse = ReplyingResponse & (ServerResponse | FastifyReply);

/** What Fastify has around Node's response; Express's response is Node's own. */
interface FastifyReply {
  readonly raw: ServerResponse;
  readonly statusCode: number;
  removeHeader(name: string): unknown;
  getHeader(name: string): unknown;
  getHeaders(): Record<string, OutgoingHttpHeader | undefined>;
  hijack(): unknown;
}

/** One exchange with a client, through the application's adapter: Express or Fastify. */
export class HttpDoor implements RequestView {
  constructor(
    private readonly adapter: HttpServer,
    private readonly request: PlatformRequest,
    private readonly response: PlatformResponse,
    /** Whether Nest replies once the interceptors are through, as it does unless the handler takes the response itself. */
    private readonly nestReplies = true,
  ) {}

  /** Node's own response. */
  get raw(): ServerResponse {
    return isFastify(this.response) ? this.response.raw : this.response;
  }

  get method(): string {
    return this.request.method;
  }

  get url(): string {
    return originForm(this.request.originalUrl ?? this.request.url);
  }

  /** The parameters of the host, as far as the route has any; hosts are the same in capitals. */
  get hostParams(): string {
    return Object.values(this.request.hosts ?? {})
      .join('.')
      .toLowerCase();
  }

  header(name: string): string | undefined {
    const value = this.request.headers[name];
    return Array.isArray(value) ? value.join(', ') : value;
  }

  setHeaders(headers: Readonly<Record<string, string>>): void {
    for (const [name, value] of Object.entries(headers)) {
      this.adapter.setHeader(this.response, name, value);
    }
  }

  /** A header of the answer that something before has set. */
  answerHeader(name: string): string | undefined {
    const value = this.response.getHeader(name);
    return typeof value === 'string' ? value : undefined;
  }

  removeHeaders(names: readonly string[]): void {
    names.forEach((name) => this.response.removeHeader(name));
  }

  /**
   * The answer goes out when Nest replies: after the interceptors around the handler, which may set headers until
   * then, whatever they make of the value, however long they take, and unless they fail. Where Nest never replies, the
   * answer waits no longer than this turn of the event loop.
   */
  answer({ status, headers, body }: HttpAnswer): void {
    this.#whenReplied(() => {
      // It is for the body that the handler would have sent; what compresses this one comes later.
      this.removeHeaders(['content-encoding']);
      this.setHeaders(headers);
      this.adapter.reply(this.response, body, status);
    });
  }

  /** The same for an answer that stays open: its head goes out, then `start` is given what to write the rest to. */
  open(headers: Readonly<Record<string, string>>, start: (raw: ServerResponse) => void): void {
    this.#whenReplied(() => {
      this.setHeaders(headers);
      if (isFastify(this.response)) takeOver(this.response);
      this.raw.statusCode = 200;
      this.raw.flushHeaders();
      start(this.raw);
    });
  }

  #whenReplied(send: () => void): void {
    if (this.#isSent) return;
    // What has another one by the time of the reply is the answer to an error.
    this.adapter.status(this.response, 200);
    const hold = new ReplyHold(this.response, (reply) =>
      this.#isError ? reply() : this.#send(send, hold),
    );
    if (!this.nestReplies) setImmediate(() => this.#send(send, hold));
  }

  get #isSent(): boolean {
    return this.adapter.isHeadersSent(this.response);
  }

  get #isError(): boolean {
    return this.response.statusCode >= 400;
  }

  #send(send: () => void, hold: ReplyHold): void {
    if (this.#isSent) return;
    hold.release();
    send();
    // To a response that is sent, one more reply would be an error, or a warning in the log.
    new ReplyHold(this.response, () => {});
  }
}

function isFastify(response: PlatformResponse): response is ReplyingResponse & FastifyReply {
  return 'hijack' in response;
}

/** Fastify leaves the response to us; what hooks and plugins have put on the reply so far goes along. */
function takeOver(reply: FastifyReply): void {
  reply.hijack();
  for (const [name, value] of Object.entries(reply.getHeaders())) {
    if (value !== undefined) reply.raw.setHeader(name, value);
  }
}
