/** A value at once where the work is in memory, a promise of it where it is not. */
export type MaybePromise<T> = T | Promise<T>;

/** Whether the value must be waited for. */
export function isPromise<T>(value: MaybePromise<T>): value is Promise<T> {
  return typeof (value as Promise<T> | undefined)?.then === 'function';
}

/** Begins work of which nothing is thrown: where it fails at once, that is a rejection too. */
export function attempted<T>(work: () => MaybePromise<T>): MaybePromise<T> {
  try {
    return work();
  } catch (thrown) {
    // Whatever it is, as `await` would have it.
    return Promise.reject(thrown);
  }
}

/** Goes on with a value: at once where it is there, else when it is. */
export function chain<T, R>(
  value: MaybePromise<T>,
  next: (value: T) => MaybePromise<R>,
): MaybePromise<R> {
  return isPromise(value) ? value.then(next) : next(value);
}
