import { Logger, type INestApplicationContext } from '@nestjs/common';
import type { BackgroundService } from '../../src/index.js';
import { isFinal } from '../../src/job/state-machine.js';
import type { MemoryLogger } from '../support/memory-logger.js';

export interface AppUnderTest {
  readonly app: INestApplicationContext;
  readonly service: BackgroundService;
  readonly log: MemoryLogger;
}

/** How long a test's jobs may take to end when the test is over. */
const GRACE = 2_000;

/**
 * The applications of a test file. A new thread takes more than a second to load one: tests that need no application of
 * their own share one, which is made when the first of them asks for it.
 */
export class SharedApps<Options extends unknown[], App extends AppUnderTest> {
  readonly #own = new Set<App>();
  readonly #shared = new Map<string, App>();

  constructor(private readonly make: (...options: Options) => Promise<App>) {}

  /** One for this test only. */
  async start(...options: Options): Promise<App> {
    const made = await this.make(...options);
    this.#own.add(made);
    return made;
  }

  /** The one that tests with these options share. What it has logged for the others is forgotten. */
  async share(...options: Options): Promise<App> {
    const key = JSON.stringify(options);
    const shared = this.#shared.get(key) ?? (await this.make(...options));
    this.#shared.set(key, shared);
    // Nest logs to what the application that was made last has.
    Logger.overrideLogger(shared.log);
    shared.log.lines.length = 0;
    return shared;
  }

  /** After a test: closes those of its own, and shared ones that it has left at work, so that the next has new ones. */
  async afterTest(): Promise<void> {
    const atWork = await Promise.all(
      [...this.#shared].map(async ([key, shared]) => {
        const isAtRest = await comesToRest(shared).catch(() => false);
        return isAtRest ? [] : [key];
      }),
    );
    await this.#close(atWork.flat());
  }

  /** Closes all. */
  closeAll(): Promise<void> {
    return this.#close([...this.#shared.keys()]);
  }

  async #close(keys: string[]): Promise<void> {
    const closing = [...this.#own, ...keys.map((key) => this.#shared.get(key)!)];
    this.#own.clear();
    keys.forEach((key) => this.#shared.delete(key));
    await Promise.all(closing.map(({ app }) => app.close()));
  }
}

async function comesToRest({ service }: AppUnderTest): Promise<boolean> {
  const deadline = Date.now() + GRACE;
  const isAtWork = async (): Promise<boolean> =>
    (await service.list()).some(({ state }) => !isFinal(state));
  while (await isAtWork()) {
    if (Date.now() > deadline) return false;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return true;
}
