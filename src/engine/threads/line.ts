import type { MessagePort } from 'node:worker_threads';
import { obstacleIn } from '../crossing.js';
import { toError, toFailure } from '../../errors/failure.js';
import { reviveError } from '../../errors/revive-error.js';
import type { JobFailure } from '../../job/job.js';

/** An error on its way to another thread: its name, message, stack and whichever of its fields can cross. */
export interface CrossingError {
  readonly failure: JobFailure;
  readonly fields: object;
}

export type LineMessage =
  | { readonly type: 'ask'; readonly number: number; readonly question: unknown }
  | { readonly type: 'answer'; readonly number: number; readonly value: unknown }
  | { readonly type: 'refusal'; readonly number: number; readonly error: CrossingError };

interface Asked {
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

/** Questions and answers over a port, in both directions. */
export class Line<Question, Heard> {
  readonly #asked = new Map<number, Asked>();
  #last = 0;
  #cut: Error | undefined;

  constructor(
    private readonly port: MessagePort,
    /** What is answered to the other side. */
    private readonly answer: (question: Heard) => Promise<unknown>,
  ) {}

  ask(question: Question): Promise<unknown> {
    if (this.#cut) return Promise.reject(this.#cut);
    const number = ++this.#last;
    return new Promise((resolve, reject) => {
      this.#asked.set(number, { resolve, reject });
      this.#post({ type: 'ask', number, question });
    });
  }

  take(message: LineMessage): void {
    if (message.type === 'ask') return this.#reply(message.number, message.question as Heard);
    const asked = this.#asked.get(message.number);
    this.#asked.delete(message.number);
    if (message.type === 'answer') asked?.resolve(message.value);
    else asked?.reject(fromCrossing(message.error));
  }

  /** Nothing comes from the other side any more. */
  cut(error: Error): void {
    this.#cut ??= error;
    this.#asked.forEach(({ reject }) => reject(error));
    this.#asked.clear();
  }

  #reply(number: number, question: Heard): void {
    this.answer(question)
      .then((value) => this.#post({ type: 'answer', number, value }))
      .catch((error: unknown) => this.#post({ type: 'refusal', number, error: crossingOf(error) }));
  }

  #post(message: LineMessage): void {
    this.port.postMessage(message);
  }
}

export function crossingOf(thrown: unknown): CrossingError {
  const failure = toFailure(thrown);
  const fields = Object.entries(Object(thrown) as object).filter(
    ([name, value]) => !(name in failure) && !obstacleIn(value),
  );
  return { failure, fields: Object.fromEntries(fields) };
}

export function fromCrossing({ failure, fields }: CrossingError): Error {
  return reviveError(Object.assign(toError(failure), fields));
}
