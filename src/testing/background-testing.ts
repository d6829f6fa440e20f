import { setImmediate } from 'node:timers';
import { isDeepStrictEqual } from 'node:util';
import type { DynamicModule, INestApplicationContext } from '@nestjs/common';
import { RUNTIME } from '../decorators/runtime-injection.js';
import { BackgroundError } from '../errors/background.error.js';
import { aDuration, checkOptions } from '../errors/check-options.js';
import { parseDuration, type Duration } from '../job/duration.js';
import { BackgroundModule } from '../module/background.module.js';
import type { BackgroundRuntime } from '../runtime/background-runtime.js';
import type { BackgroundModuleOptions } from '../runtime/runtime-options.js';
import { fakeClock, type FakeClock } from './fake-clock.js';
import { inlineEngine } from './inline-engine.js';
import { leakGuard } from './leak-guard.js';

export interface BackgroundTestingOptions {
  /** Every job starts with its call, whatever its delay, and its retries follow at once. */
  inline?: boolean;
  /** Where the clock begins, in ms since 1970. */
  now?: number;
}

/** A call of a method in the background, as the spy saw it. */
export interface SpiedCall {
  readonly id: string;
  readonly name: string;
  readonly args: readonly unknown[];
}

class TestingModule {}

/** Time stands still: a job that runs when its application is closed would have its grace for ever. */
const NO_GRACE = { grace: 0 };

/**
 * Background work in the hands of a test: time stands still until it is moved, and every call is noted.
 * @example
 * ```ts
 * const background = new BackgroundTesting();
 * const app = await Test.createTestingModule({ imports: [background.forRoot()], providers: [Reports] }).compile();
 * void app.get(Reports).build(7);
 * await background.drain();
 * expect(background.wasCalled('Reports.build', 7)).toBe(true);
 * ```
 */
export class BackgroundTesting {
  readonly clock: FakeClock;
  readonly #inline: boolean;
  readonly #guard = leakGuard();
  readonly #calls: SpiedCall[] = [];
  #runtime: BackgroundRuntime | undefined;

  constructor({ inline = false, now }: BackgroundTestingOptions = {}) {
    this.clock = fakeClock(now);
    this.#inline = inline;
  }

  /** `BackgroundModule.forRoot()` for this test: with its clock, and inline where that is asked for. */
  forRoot(options: BackgroundModuleOptions = {}): DynamicModule {
    const engine = this.#inline ? { engine: inlineEngine() } : {};
    const spy = { provide: BackgroundTesting, inject: [RUNTIME] };
    return {
      module: TestingModule,
      imports: [
        BackgroundModule.forRoot({ clock: this.clock, shutdown: NO_GRACE, ...engine, ...options }),
      ],
      providers: [{ ...spy, useFactory: (runtime: BackgroundRuntime) => this.#spyOn(runtime) }],
    };
  }

  /** The same for an application that imports `forRoot()` itself: its calls are noted from now on. */
  attach(app: INestApplicationContext): this {
    return this.#spyOn(app.get(RUNTIME, { strict: false }));
  }

  /** Waits until no job is queued or running. Those that are delayed stay, for `advance`. */
  async drain(): Promise<void> {
    const { tracker } = this.#attached.settings;
    for (;;) {
      const { queued, running } = await tracker.counts();
      if (queued + running === 0) return;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** Moves the time on: what falls due meanwhile happens in its order. @throws BackgroundOptionsError */
  async advance(time: Duration): Promise<void> {
    checkOptions('advance()', { time }, { time: aDuration });
    await this.clock.advance(parseDuration(time)!);
  }

  /** The calls so far, or those of one job name, in their order. */
  calls(name?: string): SpiedCall[] {
    return this.#calls.filter((call) => name === undefined || call.name === name);
  }

  /** Whether a job was called with just these arguments. */
  wasCalled(name: string, ...args: unknown[]): boolean {
    return this.calls(name).some((call) => isDeepStrictEqual([...call.args], args));
  }

  /**
   * After `app.close()`: fails where a job is not over, a timer is set, or something that this test opened keeps the
   * process alive.
   * @throws BackgroundError
   */
  async checkLeaks(): Promise<void> {
    const jobs = this.#runtime?.runner.pendingCalls() ?? [];
    if (jobs.length > 0) {
      throw new BackgroundError(
        `Not over: ${jobs.map(({ definition }) => definition.name).join(', ')}.`,
      );
    }
    if (this.clock.pending > 0)
      throw new BackgroundError(`Timers still set: ${this.clock.pending}.`);
    await this.#guard.check();
  }

  get #attached(): BackgroundRuntime {
    if (this.#runtime) return this.#runtime;
    throw new BackgroundError(
      'This BackgroundTesting knows no application. Import its forRoot() into one, or attach(app).',
    );
  }

  #spyOn(runtime: BackgroundRuntime): this {
    this.#runtime = runtime;
    const { dispatcher } = runtime;
    const dispatch = dispatcher.dispatch.bind(dispatcher);
    dispatcher.dispatch = (definition, target, args) => {
      const future = dispatch(definition, target, args);
      this.#calls.push({ id: future.id, name: definition.name, args });
      return future;
    };
    return this;
  }
}
