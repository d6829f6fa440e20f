import type { ExposeOptions } from '../../decorators/route-door.js';
import type { JobEvent } from '../../job/job-event.js';
import { isFinal } from '../../job/state-machine.js';
import { eventsOf, type JobStep } from '../../tracker/follow-job.js';
import { exposedEvent } from '../exposed-job.js';
import { gathered, type LiveWriter } from './live-writer.js';

/**
 * Server-sent events. The data is JSON on one line, so that no output can forge a field or an event.
 * @param retry In how many ms a reader that was cut off comes back.
 */
export function sseWriter(expose: ExposeOptions | undefined, retry: number): LiveWriter {
  return {
    ...{ pace: 60, beat: ': \n\n', open: () => `retry: ${retry}\n\n`, close: () => '' },
    step: (step) =>
      gathered(
        eventsOf(step).map((event) => frame(exposedEvent(event, expose), idOf(event, step))),
      ),
  };
}

/**
 * Where a reader goes on that got this event last. The end has a number of its own, after all output, so that one who
 * missed only the end still gets it. What comes between two outputs needs none: browsers keep the last.
 */
function idOf(event: JobEvent, { page }: JobStep): number | undefined {
  if (event.type === 'output') return event.seq;
  return event.type === 'state' && isFinal(event.state) ? page.last + 1 : undefined;
}

function frame(event: JobEvent, id: number | undefined): string {
  const head = id === undefined ? '' : `id: ${id}\n`;
  return `${head}event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
}
