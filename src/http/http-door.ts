import type { HttpServer } from '@nestjs/common';
import type { HttpAnswer } from './answers.js';
import { originForm, type RequestView } from './request-view.js';

interface PlatformRequest {
  readonly method: string;
  readonly url: string;
  readonly originalUrl?: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

interface PlatformResponse {
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

  answer({ status, headers, body }: HttpAnswer): void {
    this.setHeaders(headers);
    this.adapter.reply(this.response, body, status);
    this.#close();
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
