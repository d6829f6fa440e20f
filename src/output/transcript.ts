import type { OutputEvent } from '../job/job-event.js';
import type { OutputChunk, OutputGap, OutputPage } from './output-chunk.js';

/** The events of a page, with one in the place of what was dropped. */
export function outputEvents(page: OutputPage): OutputEvent[] {
  const events = page.chunks.map(outputEvent);
  if (!page.gap) return events;
  const { first } = page.gap;
  const place = events.findIndex((event) => event.seq > first);
  events.splice(place === -1 ? events.length : place, 0, gapEvent(page.gap));
  return events;
}

/** All the text of a page; where output was dropped it says how much. */
export function transcript(page: OutputPage): string {
  return outputEvents(page)
    .map((event) => event.text)
    .join('');
}

function outputEvent({ seq, text, stream }: OutputChunk): OutputEvent {
  return { type: 'output', seq, text, stream };
}

function gapEvent(gap: OutputGap): OutputEvent {
  const most = gap.atMost ? 'up to ' : '';
  const text = `\n[... ${most}${gap.bytes} bytes of output dropped ...]\n`;
  return { type: 'output', seq: gap.last, text, stream: 'stdout', dropped: gap.bytes };
}
