import type { MaybePromise } from '../job/maybe-promise.js';
import { Fifo } from '../output/fifo.js';

interface Place {
  /** Set once it is known what came of the storing. */
  go: (() => void) | undefined;
}

/** Calls are stored side by side, on several connections, but queued in the order in which they were made. */
export class CallOrder {
  readonly #line = new Fifo<Place>();

  /** Does `next` when `storing` and all the storing before it is over. Rejected where either fails. */
  after(storing: Promise<void>, next: () => MaybePromise<void>): Promise<void> {
    return new Promise((resolve, reject) => {
      const place: Place = { go: undefined };
      this.#line.push(place);
      const goWith = (go: () => void): void => {
        place.go = go;
        this.#goOn();
      };
      storing.then(
        () => goWith(() => attempt(next, resolve, reject)),
        (error: unknown) => goWith(() => reject(error)),
      );
    });
  }

  #goOn(): void {
    while (this.#line.peek()?.go) this.#line.shift()!.go!();
  }
}

function attempt(
  next: () => MaybePromise<void>,
  resolve: (value: MaybePromise<void>) => void,
  reject: (error: unknown) => void,
): void {
  try {
    resolve(next());
  } catch (error) {
    reject(error);
  }
}
