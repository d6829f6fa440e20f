import { JobNotFoundError } from '../errors/job.errors.js';
import { followSteps, type JobStep, type StepOptions } from '../tracker/follow-job.js';
import type { JobTracker } from '../tracker/job-tracker.js';
import type { LiveWriter } from './faces/live-writer.js';

/** A job as it goes on, in the pieces that a writer makes of it. */
export async function* liveFrames(
  tracker: JobTracker,
  id: string,
  writer: LiveWriter,
  { after, signal }: StepOptions,
): AsyncGenerator<string, void, undefined> {
  yield writer.open();
  const { pace, rouse } = writer;
  for await (const step of untilGone(followSteps(tracker, id, { after, signal, pace, rouse }))) {
    yield* writer.step(step);
  }
  yield writer.close();
}

/** A job whose retention ends while somebody watches has nothing more to say. */
async function* untilGone(steps: AsyncIterable<JobStep>): AsyncGenerator<JobStep> {
  try {
    yield* steps;
  } catch (error) {
    if (!(error instanceof JobNotFoundError)) throw error;
  }
}

/** Waits until a step is what was waited for, or the job is over, or `signal` says that it takes too long. */
export async function waitForStep(
  { tracker, id, ...options }: StepOptions & { tracker: JobTracker; id: string },
  isEnough: (step: JobStep) => boolean,
): Promise<void> {
  for await (const step of untilGone(followSteps(tracker, id, options))) {
    if (isEnough(step)) return;
  }
}
