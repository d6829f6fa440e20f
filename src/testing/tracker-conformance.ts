import { systemClock } from '../job/clock.js';
import type { JobTracker, TrackerSettings } from '../tracker/job-tracker.js';
import { fakeClock } from './fake-clock.js';
import type { TrackerCases } from './tracker-cases/case.js';
import { CHANGES, STATE_MACHINE } from './tracker-cases/changes.js';
import { OUTPUT } from './tracker-cases/output.js';
import { LISTS, RECORDS } from './tracker-cases/records.js';
import { RETENTION, RETENTIONS } from './tracker-cases/retention.js';
import { SHARING, WATCHING } from './tracker-cases/watching.js';

/** The two functions of the test runner; those of Jest, Mocha, Vitest and `node:test` will do. */
export interface TestRunner {
  describe(name: string, suite: () => void): unknown;
  it(name: string, test: () => Promise<void>): unknown;
}

/** How the suite comes to a tracker of the kind that is tested. */
export interface TrackerSetup {
  /** Opens a tracker over a storage with nothing in it, and connects it where it needs that. The suite closes it. */
  open(settings: TrackerSettings): Promise<JobTracker>;
  /** Opens one more over the same storage, as another process would; left out where no other process can see it. */
  openAnother?(settings: TrackerSettings): Promise<JobTracker>;
}

/**
 * What every tracker must do, whoever wrote it: call it in a test file, give it the functions of the test runner.
 * @example trackerConformance({ describe, it }, { open: async (settings) => { … } });
 */
export function trackerConformance({ describe, it }: TestRunner, setup: TrackerSetup): void {
  const suite = (name: string, cases: TrackerCases): unknown =>
    describe(name, () => {
      for (const [example, use] of Object.entries(cases)) it(example, () => run(setup, use));
    });
  suite('The records of a tracker', RECORDS);
  suite('The changes of a tracker', { ...STATE_MACHINE, ...CHANGES });
  suite('The output that a tracker keeps', OUTPUT);
  suite('The lists of a tracker', LISTS);
  suite('Whoever watches a job', WATCHING);
  describe('The retention of a tracker', () => {
    for (const [example, use] of Object.entries(RETENTIONS)) {
      const clock = fakeClock();
      const settings = { clock, retention: RETENTION };
      it(example, () => run(setup, (tracker) => use(tracker, clock), settings));
    }
  });
  if (setup.openAnother) suite('Two trackers over one storage', SHARING);
}

/** Jobs of the examples end in 1970. */
const KEPT = { completed: 1e13, failed: 1e13, count: RETENTION.count };

async function run(
  setup: TrackerSetup,
  use: TrackerCases[string],
  settings: TrackerSettings = { clock: systemClock, retention: KEPT },
): Promise<void> {
  const opened = [await setup.open(settings)];
  const openAnother = async (): Promise<JobTracker> => {
    const tracker = await setup.openAnother!(settings);
    opened.push(tracker);
    return tracker;
  };
  try {
    await use(opened[0]!, openAnother);
  } finally {
    for (const tracker of opened) await tracker.close();
  }
}
