import { createHook, type AsyncHook } from 'node:async_hooks';
import { afterEach, beforeEach } from '@jest/globals';
import { closeApps } from './test-app.js';
import { until } from './until.js';

/** Longer than `until` waits: it is to end first, so that what was left is named. */
const PATIENCE = 30_000;

/** What keeps a process alive. Files that are being read come and go by themselves. */
const TRANSIENT = ['FSReqCallback', 'FSReqPromise', 'CloseReq', 'Immediate', 'TickObject'];

/**
 * Closes the applications of each test of the file, and fails the test where a timer, socket, server or worker is left
 * behind.
 */
export function failOnLeaks(): void {
  let before: string[] = [];
  const timers = new TimersOfTheLibrary();
  beforeEach(() => {
    before = resources();
    timers.watch();
  });
  afterEach(async () => {
    await closeApps();
    const left = (): string[] => [...surplus(before, resources()), ...timers.left()];
    await until(() => left().length === 0).catch(() => {
      throw new Error(`Left behind after the end:\n${left().join('\n')}`);
    });
    timers.unwatch();
  }, PATIENCE);
}

function resources(): string[] {
  return process.getActiveResourcesInfo().filter((type) => !TRANSIENT.includes(type));
}

function surplus(before: readonly string[], after: readonly string[]): string[] {
  const left = [...before];
  return after.filter((type) => {
    const place = left.indexOf(type);
    if (place !== -1) left.splice(place, 1);
    return place === -1;
  });
}

/** Timers that the sources set, those too that keep no process alive, which Node does not list. */
class TimersOfTheLibrary {
  /** With where each was set, as an error whose stack is put into words only if somebody asks: that is slow. */
  readonly #open = new Map<number, Error>();
  readonly #hook: AsyncHook = createHook({
    init: (id, type) => {
      if (type === 'Timeout') this.#open.set(id, new Error());
    },
    destroy: (id) => this.#open.delete(id),
  });

  watch(): void {
    this.#open.clear();
    this.#hook.enable();
  }

  unwatch(): void {
    this.#hook.disable();
    this.#open.clear();
  }

  left(): string[] {
    return [...this.#open.values()].flatMap(({ stack = '' }) => placeInTheLibrary(stack));
  }
}

function placeInTheLibrary(stack: string): string[] {
  // Of Node itself, which keeps the text of the date for the rest of its second; each test would wait for that.
  if (stack.includes('node:internal/http')) return [];
  const place = stack.split('\n').find((line) => line.includes('/src/'));
  return place ? [`Timeout${place}`] : [];
}
