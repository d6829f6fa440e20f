import type { BackgroundRuntime } from '../runtime/background-runtime.js';
import type { HttpDoor } from './http-door.js';

/** Holds an answer back while some work goes on: at most so many seconds, and no longer than its client or the application is there. */
export async function held(
  { settings, readers }: BackgroundRuntime,
  door: HttpDoor,
  seconds: number,
  work: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const patience = new AbortController();
  const end = (): void => patience.abort();
  const stop = settings.clock.after(seconds * 1000, end);
  door.raw.once('close', end);
  const closed = work(patience.signal).finally(() => {
    stop();
    door.raw.removeListener('close', end);
  });
  readers.join({ end, closed: closed.catch(() => {}) });
  await closed;
}
