import { currentJobScope } from '../context/scope.js';

/** A promise that tells when somebody begins to wait for it, in the async context of the waiter; who must not is refused. */
export class WatchedPromise<T> extends Promise<T> {
  static override get [Symbol.species](): PromiseConstructor {
    return Promise;
  }

  #beginWait: (() => Error | undefined) | undefined;

  /** @param beginWait Gives the error for who must not wait. */
  static of<T>(promise: Promise<T>, beginWait: () => Error | undefined): WatchedPromise<T> {
    const watched = new WatchedPromise<T>((resolve) => resolve(promise));
    watched.#beginWait = beginWait;
    return watched;
  }

  override then<A = T, B = never>(
    onFulfilled?: ((value: T) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    const refusal = this.#beginWait?.();
    if (refusal) return Promise.reject(refusal).then(onFulfilled, onRejected);
    return super.then(onFulfilled, onRejected);
  }
}

/**
 * Something that is to be recorded of a job. What a job that has the database file holds up is refused then, where that
 * job is the one who waits for it.
 */
export function recordingOf<T>(job: { readonly id: string }, recording: Promise<T>): Promise<T> {
  if (!currentJobScope()) return recording;
  let isOver = false;
  const endWaits: (() => void)[] = [];
  const end = (): void => {
    isOver = true;
    endWaits.forEach((endWait) => endWait());
  };
  recording.then(end, end);
  return WatchedPromise.of(recording, () => {
    const endWait = isOver ? undefined : currentJobScope()?.awaitsRecordOf(job.id);
    if (endWait) endWaits.push(endWait);
    return undefined;
  });
}
