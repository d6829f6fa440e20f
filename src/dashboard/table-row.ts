import type { ExposeOptions } from '../decorators/route-door.js';
import type { TableLinks } from '../http/page/document.js';
import { exactSpan, timeSpan, timeStamp } from '../http/page/format.js';
import { markup, type Html } from '../http/page/html.js';
import { howFar } from '../http/page/nested-part.js';
import { STATES } from '../http/page/status.js';
import type { JobRecord } from '../job/job.js';
import { isFinal } from '../job/state-machine.js';
import { commandAt } from './table-links.js';

/** What a row needs beside its job. */
export interface RowView {
  readonly links: TableLinks;
  readonly expose: ExposeOptions;
  /** In ms since 1970. */
  readonly now: number;
}

/** The last one has no need of a title to be seen. */
export const COLUMNS: readonly (string | Html)[] = [
  ...['Job', 'State', 'Attempt', 'Progress', 'Created', 'Started', 'Finished'],
  markup`<span class="unseen">Action</span>`,
];

/** A job in the table. */
export function row(record: JobRecord, view: RowView): Html {
  const { links, expose, now } = view;
  const { mark, word } = STATES[record.state];
  const state = markup`<span class="state"><span class="mark" aria-hidden="true">${mark}</span>${word}</span>`;
  return markup`<tr role="row" class="is-${record.state}">
<th role="rowheader" scope="row">${title(record, links)}</th>
<td role="cell">${state}</td>
<td role="cell" data-label="Attempt">${record.attempt || undefined}</td>
<td role="cell" class="far">${howFar(record, expose)}</td>
${timeCell('Created', time(record.createdAt))}
${timeCell('Started', started(record, now))}
${timeCell('Finished', finished(record, now))}
<td role="cell">${action(record, links)}</td>
</tr>
`;
}

/** Where rows are cards, a time has no title above it. */
function timeCell(label: string, content: Html | undefined): Html {
  return markup`<td role="cell" class="time" data-label="${label}">${content}</td>`;
}

function title({ id, name, parentId }: JobRecord, { job }: TableLinks): Html {
  const parent =
    parentId !== undefined &&
    markup` <span class="note">started by <a href="${job(parentId)}"><code>${tailOf(parentId)}</code></a></span>`;
  return markup`<a class="job" href="${job(id)}"><span class="name">${name}</span> <code>${tailOf(id)}</code></a>${parent}`;
}

/** Enough of an id to tell jobs apart; its head is the time. */
function tailOf(id: string): string {
  return id.slice(-12);
}

/** The day is said only where it is another one than that of the creation. */
function time(at: number, createdAt?: number, note?: string): Html {
  const [day = '', hour] = timeStamp(at).split(' ');
  const isSameDay = createdAt !== undefined && timeStamp(createdAt).startsWith(day);
  const date = !isSameDay && markup`<span class="day">${day}</span> `;
  const beside = note && markup` <span class="note">${note}</span>`;
  return markup`<time datetime="${new Date(at).toISOString()}">${date}${hour}</time>${beside}`;
}

function started(record: JobRecord, now: number): Html | undefined {
  const { createdAt, startedAt, runAt, attempt, state } = record;
  if (state === 'scheduled' && runAt !== undefined) {
    return markup`<span class="note">in ${timeSpan(runAt - now)}</span>`;
  }
  // Of a later attempt it would be the time of the earlier ones.
  const waited = attempt === 1 && startedAt ? `after ${exactSpan(startedAt - createdAt)}` : '';
  return startedAt === undefined ? undefined : time(startedAt, createdAt, waited);
}

function finished(
  { createdAt, startedAt, finishedAt, state }: JobRecord,
  now: number,
): Html | undefined {
  if (state === 'running') {
    return markup`<span class="note">not yet, after ${timeSpan(now - (startedAt ?? now))}</span>`;
  }
  if (finishedAt === undefined) return undefined;
  const taken = startedAt === undefined ? undefined : `in ${exactSpan(finishedAt - startedAt)}`;
  return time(finishedAt, createdAt, taken);
}

/** What can be done about it from here. */
function action({ id, name, state }: JobRecord, { url }: TableLinks): Html | undefined {
  if (state === 'completed') return undefined;
  const [command, word] = isFinal(state)
    ? (['_retry', 'Retry'] as const)
    : (['_cancel', 'Cancel'] as const);
  const shade = command === '_retry' && markup` class="calm"`;
  return markup`<form method="post" action="${commandAt(url, command, id)}"${shade}><button aria-label="${word} ${name} ${tailOf(id)}">${word}</button></form>`;
}
