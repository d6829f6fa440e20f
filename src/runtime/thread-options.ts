import { availableParallelism } from 'node:os';
import { pathToFileURL } from 'node:url';
import { aCount, aDuration, anObjectOf, aTextOrUrl } from '../errors/check-options.js';
import { BackgroundOptionsError } from '../errors/setup.errors.js';
import type { ThreadPool } from '../engine/thread-pool.js';
import { piscinaPool } from '../engine/threads/piscina.pool.js';
import type { Clock } from '../job/clock.js';
import { parseDuration, type Duration } from '../job/duration.js';

/** Where methods under `@Background({ thread: true })` run. Needs an optional peer: `docs/futures.md` says which. */
export interface ThreadOptions {
  /**
   * A built module, by its path from the current directory or its URL, that exports a function: it gives the
   * application of a thread (an `INestApplicationContext`), or the module class of one. Each thread makes its own.
   */
  app: string | URL;
  /** How many threads at most; default one less than the machine has cores. */
  max?: number;
  /** How long a method may go on that was told to stop, before its thread is ended; default `'1s'`. */
  grace?: Duration;
}

export const THREADS = anObjectOf({ app: aTextOrUrl, max: aCount(1), grace: aDuration });

/** The threads that are asked for, if any are. @throws BackgroundOptionsError without an application for them. */
export function threadsOf(
  options: ThreadOptions | undefined,
  clock: Clock,
): ThreadPool | undefined {
  if (!options) return undefined;
  const { app, max = Math.max(1, availableParallelism() - 1), grace } = options;
  if (app === undefined) throw missingApp();
  return piscinaPool({ app: urlOf(app), max, grace: parseDuration(grace ?? '1s')!, clock });
}

function urlOf(app: string | URL): URL {
  if (app instanceof URL) return app;
  return app.startsWith('file:') ? new URL(app) : pathToFileURL(app);
}

function missingApp(): BackgroundOptionsError {
  return new BackgroundOptionsError(
    'threads.app',
    undefined,
    `forRoot({ threads }) has no "app". Give it the module that makes a thread's application: './dist/worker-app.js'.`,
  );
}
