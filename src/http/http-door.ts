import type { OutgoingHttpHeader, ServerResponse } from 'node:http';
import type { HttpServer } from '@nestjs/common';
import type { HttpAnswer } from './answers.js';
import { originForm, type RequestView } from './request-view.js';

interface PlatformRequest {
  readonly method: string;
  readonly url: string;
  readonly originalUrl?: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

type PlatformResponse = ServerResponse | FastifyReply;

/** What Fastify has around Node's response; Express's response is Node's own. */
interface FastifyReply {
  removeHeader(name: string): unknown;
  getHeader(name: string): unknown;
  readonly raw: ServerResponse;
  getHeaders(): Record<string, OutgoingHttpHeader | undefined>;
  hijack(): unknown;
}

/** One exchange with a client, through the application's adapter: Express or Fastify. */
export class HttpDoor implements RequestView {
  constructor(
    private readonly adapter: HttpServer,
    private readonly request: PlatformRequest,
    private readonly response: PlatformResponse,
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

  answer({ status, headers, body }: HttpAnswer): void {
    this.setHeaders(headers);
    this.adapter.reply(this.response, body, status);
    this.#close();
  }

  /** Sends the head of an answer that stays open, and gives what to write the rest to. */
  open(headers: Readonly<Record<string, string>>): ServerResponse {
    this.setHeaders(headers);
    if (isFastify(this.response)) takeOver(this.response);
    const { raw } = this;
    raw.statusCode = 200;
    raw.flushHeaders();
    this.#close();
    return raw;
  }

  /**
   * Nest replies once more when the interceptors are through; to a response that is sent that would be an error or a
   * warning in the log. Ending the chain without a value instead would trip the user's own interceptors.
   */
  #close(): void {
    const reply = (): PlatformResponse => this.response;
    for (const verb of ['send', 'json', 'redirect', 'render', 'view']) {
      Object.defineProperty(this.response, verb, { value: reply, configurable: true });
    }
  }
}

function isFastify(response: PlatformResponse): response is FastifyReply {
  return 'hijack' in response;
}

/** Fastify leaves the response to us; what hooks and plugins have put on the reply so far goes along. */
function takeOver(reply: FastifyReply): void {
  reply.hijack();
  for (const [name, value] of Object.entries(reply.getHeaders())) {
    if (value !== undefined) reply.raw.setHeader(name, value);
  }
}
