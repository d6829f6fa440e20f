/** A value at once where the work is in memory, a promise of it where it is not. */
export type MaybePromise<T> = T | Promise<T>;

/** Whether the value must be waited for. */
export function isPromise<T>(value: MaybePromise<T>): value is Promise<T> {
  return typeof (value as Promise<T> | undefined)?.then === 'function';
}

/** Goes on with a value: at once where it is there, else when it is. */
export function chain<T, R>(
  value: MaybePromise<T>,
  next: (value: T) => MaybePromise<R>,
): MaybePromise<R> {
  return isPromise(value) ? value.then(next) : next(value);
}
