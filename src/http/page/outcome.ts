import type { Job, JobState } from '../../job/job.js';
import { valueText } from './format.js';
import { markup, type Html } from './html.js';

/** Longer ones are for programs, which read the JSON. */
const LONGEST = 100_000;

/** What came of a job that is over, if there is anything to say. */
export function outcomePart({ state, result, error }: Job): Html | undefined {
  if (state === 'completed') {
    const isNothing = result === undefined || result === null;
    return isNothing ? undefined : outcome(state, 'Result', block('Result', valueText(result)));
  }
  if (!error) return undefined;
  const name = state === 'failed' && markup`<b>${error.name}:</b> `;
  const fault = markup`<div class="fault">${name}${shortened(error.message)}</div>`;
  const stack = error.stack && block('Stack', error.stack);
  return outcome(state, state === 'failed' ? 'Error' : 'Why', markup`${fault}${stack}`);
}

function outcome(state: JobState, title: string, content: Html): Html {
  return markup`<div slot="outcome" class="outcome is-${state}"><h2>${title}</h2>${content}</div>\n`;
}

/** Scrolls where it is long, so it can be reached by keyboard. */
function block(label: string, text: string): Html {
  return markup`<pre tabindex="0" role="region" aria-label="${label}">${shortened(text)}</pre>`;
}

function shortened(text: string): string {
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}\n… and more; see the JSON.` : text;
}
