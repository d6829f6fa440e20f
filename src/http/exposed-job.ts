import type { ExposeOptions } from '../decorators/route-door.js';
import { toJob, type Job, type JobFailure, type JobRecord } from '../job/job.js';
import type { JobEvent } from '../job/job-event.js';

/** The job as its route shows it: by default with its result and message, and without its stack. */
export function exposedJob(record: JobRecord, expose?: ExposeOptions): Job {
  return reduced(toJob(record), expose);
}

/** An event as its route shows it. */
export function exposedEvent(event: JobEvent, expose?: ExposeOptions): JobEvent {
  return event.type === 'state' ? { ...event, job: reduced(event.job, expose) } : event;
}

function reduced(job: Job, expose: ExposeOptions = {}): Job {
  const shown = { ...job };
  if (expose.result === false) delete shown.result;
  if (shown.error) shown.error = exposedError(job, shown.error, expose);
  return shown;
}

function exposedError(
  { state }: Job,
  { name, message, stack }: JobFailure,
  expose: ExposeOptions,
): JobFailure {
  const end = state === 'cancelled' ? 'was cancelled' : 'failed';
  const shown = { name, message: expose.message === false ? `The job ${end}.` : message };
  // A stack begins with the message.
  const isStackShown = expose.stack && expose.message !== false && stack !== undefined;
  return isStackShown ? { ...shown, stack } : shown;
}
