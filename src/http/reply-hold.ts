/** The ways in which Nest, filters and handlers have a response sent. */
const REPLIES = ['send', 'json', 'redirect', 'render', 'view'] as const;

type Reply = (typeof REPLIES)[number];

export type ReplyingResponse = Partial<Record<Reply, (...args: unknown[]) => unknown>>;

/** While it lasts, whoever would have a response sent calls `replied` instead, with the means to do it after all. */
export class ReplyHold {
  readonly #own: readonly (readonly [Reply, PropertyDescriptor | undefined])[];

  constructor(
    private readonly response: ReplyingResponse,
    private readonly replied: (reply: () => void) => void,
  ) {
    this.#own = REPLIES.map((name) => [name, Reflect.getOwnPropertyDescriptor(response, name)]);
    for (const name of REPLIES) {
      Object.defineProperty(response, name, { value: this.#standIn(name), configurable: true });
    }
  }

  /** What the response had before is there again: of the framework, or of a middleware that put its own there. */
  release(): void {
    for (const [name, descriptor] of this.#own) {
      if (descriptor) Object.defineProperty(this.response, name, descriptor);
      else Reflect.deleteProperty(this.response, name);
    }
  }

  #standIn(name: Reply): (...args: unknown[]) => ReplyingResponse {
    return (...args) => {
      this.replied(() => {
        this.release();
        this.response[name]?.(...args);
      });
      return this.response;
    };
  }
}
