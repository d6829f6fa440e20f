// Taken from the module, not from the global, so that a test's fake timers cannot hold answers back.
import { setImmediate } from 'node:timers';
import type { HttpServer } from '@nestjs/common';
import type { HttpAnswer } from './answers.js';
import { ReplyHold, type ReplyingResponse } from './reply-hold.js';
import { originForm, type RequestView } from './request-view.js';

interface PlatformRequest {
  readonly method: string;
  readonly url: string;
  readonly originalUrl?: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

interface PlatformResponse extends ReplyingResponse {
  readonly statusCode: number;
  removeHeader(name: string): unknown;
}

/** One exchange with a client, through the application's adapter: Express or Fastify. */
export class HttpDoor implements RequestView {
  constructor(
    private readonly adapter: HttpServer,
    private readonly request: PlatformRequest,
    private readonly response: PlatformResponse,
  ) {}

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

  removeHeaders(names: readonly string[]): void {
    names.forEach((name) => this.response.removeHeader(name));
  }

  /**
   * The answer goes out when Nest replies: after the interceptors around the handler, which may set headers until
   * then, whatever they make of the value, and unless they fail. For a handler that takes the response itself Nest
   * never replies, so the answer waits no longer than this turn of the event loop.
   */
  answer(answer: HttpAnswer): void {
    if (this.#isSent) return;
    // What has another one by the time of the reply is the answer to an error.
    this.adapter.status(this.response, 200);
    const hold = new ReplyHold(this.response, (reply) =>
      this.#isError ? reply() : this.#send(answer, hold),
    );
    setImmediate(() => this.#send(answer, hold));
  }

  get #isSent(): boolean {
    return this.adapter.isHeadersSent(this.response);
  }

  get #isError(): boolean {
    return this.response.statusCode >= 400;
  }

  #send({ status, headers, body }: HttpAnswer, hold: ReplyHold): void {
    if (this.#isSent) return;
    hold.release();
    this.setHeaders(headers);
    this.adapter.reply(this.response, body, status);
    // To a response that is sent, one more reply would be an error, or a warning in the log.
    new ReplyHold(this.response, () => {});
  }
}
