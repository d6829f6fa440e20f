import { setTimeout as wait } from 'node:timers/promises';
import type { JobEngine } from '../engine/job-engine.js';
import {
  TestHost,
  type EngineCase,
  type EngineCases,
  type OpenEngine,
} from './engine-cases/case.js';
import { DELIVERY } from './engine-cases/delivery.js';
import { ROOM } from './engine-cases/room.js';
import { SHARING } from './engine-cases/sharing.js';
import { TIME } from './engine-cases/time.js';
import { leakGuard, type LeakGuard } from './leak-guard.js';
import type { TestRunner } from './tracker-conformance.js';

/** How the suite comes to an engine of the kind that is tested. */
export interface EngineSetup {
  /** Empties the queue, or takes a new one. Called before each example. */
  reset?(): Promise<void> | void;
  /** Whether it is tried with several over one queue, too. */
  isDistributed?: boolean;
  /** Makes an engine over the queue, as each process does. The suite opens and closes it. */
  make(): JobEngine;
}

/**
 * What every engine must do, whoever wrote it: call it in a test file, give it the functions of the test runner.
 * @example engineConformance({ describe, it }, { make: () => localEngine() });
 */
export function engineConformance({ describe, it }: TestRunner, setup: EngineSetup): void {
  const suite = (name: string, cases: EngineCases): unknown =>
    describe(name, () => {
      for (const [example, use] of Object.entries(cases)) it(example, () => run(setup, use));
    });
  suite('An engine', DELIVERY);
  suite('The time of an engine', TIME);
  suite('The room of an engine', ROOM);
  if (setup.isDistributed) suite('Engines over one queue', SHARING);
}

/** Afterwards nothing is left that keeps the process alive. */
async function run(setup: EngineSetup, use: EngineCase): Promise<void> {
  await setup.reset?.();
  const guard = leakGuard();
  const opened: OpenEngine[] = [];
  const open: Parameters<EngineCase>[0]['open'] = async (settings) => {
    const [engine, host] = [setup.make(), new TestHost(settings)];
    opened.push({ engine, host });
    await engine.open(host);
    engine.begin?.();
    return { engine, host };
  };
  try {
    await use({ open });
  } finally {
    for (const { engine } of opened) await engine.pause();
    for (const { engine } of opened) await engine.close();
  }
  await leaksNothing(guard);
}

/** Sockets take a while to close, and others than the engine set timers. */
async function leaksNothing(guard: LeakGuard): Promise<void> {
  const deadline = Date.now() + 5_000;
  for (;;) {
    try {
      return await guard.check();
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await wait(20);
    }
  }
}
