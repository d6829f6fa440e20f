import type { ExposeOptions } from '../../decorators/route-door.js';
import type { JobRecord } from '../../job/job.js';
import { exposedJob } from '../exposed-job.js';
import { dataText, isPercentage } from './format.js';
import type { TableLinks } from './document.js';
import { markup, type Html } from './html.js';
import { MOST_SHOWN, type NestedJob } from './nested-jobs.js';
import { waitText } from './notes.js';
import { amount, bar, STATES } from './status.js';

/** The jobs that this one has started, each with its own bar. */
export function nestedPart(
  jobs: readonly NestedJob[],
  expose?: ExposeOptions,
  table?: TableLinks,
): Html | undefined {
  const [first] = jobs;
  if (!first) return undefined;
  const title = 'Jobs that it started';
  const parentId = first.record.parentId!;
  const heading = table ? markup`<a href="${table.children(parentId)}">${title}</a>` : title;
  return markup`<article slot="nested"><h2>${heading}</h2>${list(jobs, expose, table)}</article>\n`;
}

function list(jobs: readonly NestedJob[], expose?: ExposeOptions, table?: TableLinks): Html {
  const more = jobs.length - MOST_SHOWN;
  const rest = more > 0 && markup`<li class="note">and ${more} more</li>`;
  return markup`<ul>${jobs.slice(0, MOST_SHOWN).map((job) => item(job, expose, table))}${rest}</ul>`;
}

function item({ record, children }: NestedJob, expose?: ExposeOptions, table?: TableLinks): Html {
  const { mark, word } = STATES[record.state];
  const title = table ? markup`<a href="${table.job(record.id)}">${record.name}</a>` : record.name;
  const name = markup`<span class="mark" aria-hidden="true">${mark}</span><span class="name">${title}</span> <span class="note">${word.toLowerCase()}</span>`;
  return markup`<li class="is-${record.state}">${name}${howFar(record, expose)}${children.length > 0 && list(children, expose, table)}</li>`;
}

/** Its bar, and in words how far it is and what there is to remark. */
export function howFar(record: JobRecord, expose?: ExposeOptions): Html {
  const { state, progress } = record;
  const isPart = progress !== null && isPercentage(progress);
  const value = state === 'completed' && isPart ? 100 : (progress?.value ?? 0);
  const far = progress ? [amount(value, isPart), dataText(progress.data)] : [];
  const text = [...far, ...remarks(record, expose)].filter(Boolean).join(' · ');
  const below = text && markup`<div class="far note">${text}</div>`;
  return markup`${progress && bar(value, isPart, state)}${below}`;
}

function remarks(record: JobRecord, expose?: ExposeOptions): (string | undefined)[] {
  const { error } = exposedJob(record, expose);
  const wait = record.activity?.waitsFor;
  const undone = record.rolledBack && 'what it had changed in the database was undone';
  return [error?.message, wait && `waits for ${waitText(wait)}`, undone];
}
