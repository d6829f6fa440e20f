import type { ExposeOptions } from '../../decorators/route-door.js';
import { eventsOf } from '../../tracker/follow-job.js';
import { exposedEvent } from '../exposed-job.js';
import { gathered, type LiveWriter } from './live-writer.js';

/** One event a line. An empty line is a heartbeat. */
export function ndjsonWriter(expose: ExposeOptions | undefined): LiveWriter {
  return {
    ...{ pace: 60, beat: '\n', open: () => '', close: () => '' },
    step: (step) =>
      gathered(eventsOf(step).map((event) => `${JSON.stringify(exposedEvent(event, expose))}\n`)),
  };
}
