import type { Job } from '../../job/job.js';
import { valueText } from './format.js';
import { html, type Html } from './html.js';

/** Longer ones are for programs, which read the JSON. */
const LONGEST = 100_000;

/** What came of a job that is over, if there is anything to say. */
export function outcomePart({ state, result, error }: Job): Html | undefined {
  if (state === 'completed' && result !== undefined && result !== null) {
    return html`<div slot="outcome" class="outcome">
      <h2>Result</h2>
      <pre tabindex="0" role="region" aria-label="Result">${shortened(valueText(result))}</pre>
    </div> `;
  }
  if (state === 'completed' || !error) return undefined;
  const title = state === 'failed' ? 'Error' : 'Why';
  const stack =
    error.stack &&
    html`<pre tabindex="0" role="region" aria-label="Stack">${shortened(error.stack)}</pre>`;
  return html`<div slot="outcome" class="outcome">
    <h2>${title}</h2>
    <div class="fault">
      ${state === 'failed' && html`<b>${error.name}:</b> `}${shortened(error.message)}
    </div>
    ${stack}
  </div> `;
}

function shortened(text: string): string {
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}\n… and more; see the JSON.` : text;
}
