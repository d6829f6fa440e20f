import type { ExposeOptions } from '../decorators/route-door.js';
import { FORM_REFERRER, type TableLinks } from '../http/page/document.js';
import { moment } from '../http/page/format.js';
import { Html, markup } from '../http/page/html.js';
import { STATES } from '../http/page/status.js';
import { COMMON_STYLE } from '../http/page/styles.js';
import { pathOf, queryOf } from '../http/request-view.js';
import type { JobRecord, JobState } from '../job/job.js';
import { tableOf, wholeTable } from './table-links.js';
import type { TableQuery } from './table-query.js';
import { COLUMNS, row } from './table-row.js';
import { TABLE_STYLE } from './table-styles.js';

/** What a page of the table is made of. */
export interface TableView {
  readonly query: TableQuery;
  /** Of all jobs, whatever the query. */
  readonly counts: Readonly<Record<JobState, number>>;
  readonly records: readonly JobRecord[];
  /** The id before which there are more. */
  readonly next: string | null;
  readonly links: TableLinks;
  readonly expose: ExposeOptions;
  readonly nonce: string;
  /** In ms since 1970. */
  readonly now: number;
}

/** The table of jobs as a page that needs no script. */
export function tablePage(view: TableView): Html {
  return markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
${FORM_REFERRER}<title>${titleOf(view.query)}</title>
<style nonce="${view.nonce}">${new Html(COMMON_STYLE + TABLE_STYLE)}</style>
</head>
<body>
<main>
<header><h1 id="title">${titleOf(view.query)}</h1></header>
${states(view)}
${search(view)}
${table(view)}
${pages(view)}
${foot(view)}
</main>
</body>
</html>
`;
}

function titleOf({ state, name, parentId }: TableQuery): string {
  const words = state ? `${STATES[state].word} background jobs` : 'Background jobs';
  const named = name === undefined ? '' : ` named ${name}`;
  return words + named + (parentId === undefined ? '' : ' that another one started');
}

/** How many there are is known of all jobs only, so nothing is said where others are left out. */
function states({ counts, links, query }: TableView): Html {
  const { name, parentId, state: chosen } = query;
  const isOfAll = name === undefined && parentId === undefined;
  const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
  const item = (state: JobState | undefined, label: Html, count: number): Html => {
    const current = state === chosen && markup` aria-current="true"`;
    const amount = isOfAll && markup` <b>${count.toLocaleString('en')}</b>`;
    const shade = state && markup` class="is-${state}"`;
    return markup`<li${shade}><a href="${tableOf(links.url, { state })}"${current}>${label}${amount}</a></li>\n`;
  };
  const each = Object.entries(STATES).map(([name, { mark, word }]) => {
    const state = name as JobState;
    const label = markup`<span class="mark" aria-hidden="true">${mark}</span>${word}`;
    return item(state, label, counts[state]);
  });
  return markup`<nav aria-label="Jobs by state"><ul class="states">
${item(undefined, markup`All`, total)}${each}</ul></nav>`;
}

/** A form replaces the query of its address, so whatever is to stay of that comes as hidden fields. */
function search({ links: { url, job }, query: { name, parentId }, records }: TableView): Html {
  const rest = [...new URLSearchParams(queryOf(tableOf(url, { name: undefined })))];
  const hidden = rest.map(
    ([name, value]) => markup`<input type="hidden" name="${name}" value="${value}">`,
  );
  const names = [...new Set(records.map((record) => record.name))];
  const options = names.map((name) => markup`<option value="${name}">`);
  const isNarrow = name !== undefined || parentId !== undefined;
  const parent =
    parentId !== undefined && markup`<a href="${job(parentId)}">The job that started them</a>`;
  const all = isNarrow && markup`<a href="${wholeTable(url)}">All jobs</a>`;
  return markup`<form role="search" class="calm search" method="get" action="${pathOf(url)}">${hidden}
<label for="name">Name</label> <input id="name" name="name" value="${name ?? ''}" list="names" autocomplete="off" spellcheck="false">
<datalist id="names">${options}</datalist> <button>Filter</button> ${parent} ${all}</form>`;
}

/** The roles are said, since a browser drops them where the style makes cards of the rows. */
function table(view: TableView): Html {
  if (view.records.length === 0) return markup`<p class="none">No jobs.</p>`;
  const heads = COLUMNS.map((title) => markup`<th role="columnheader" scope="col">${title}</th>`);
  return markup`<table role="table" aria-labelledby="title">
<thead role="rowgroup"><tr role="row">${heads}</tr></thead>
<tbody role="rowgroup">
${view.records.map((record) => row(record, view))}</tbody>
</table>`;
}

function pages({ links: { url }, next, query: { before } }: TableView): Html | undefined {
  if (next === null && before === undefined) return undefined;
  const newest = before !== undefined && markup`<a href="${tableOf(url, {})}">Newest jobs</a>`;
  const older =
    next !== null && markup`<a rel="next" href="${tableOf(url, { before: next })}">Older jobs</a>`;
  return markup`<nav aria-label="Pages" class="pages">${newest} ${older}</nav>`;
}

function foot({ links: { url }, now }: TableView): Html {
  const json = `${url}${queryOf(url) === '' ? '?' : '&'}_as=json`;
  return markup`<footer><p>As of ${moment(now)}; all times are in UTC. <a href="${url}">Look again</a>, or read <a href="${json}">the same as JSON</a>.</p></footer>`;
}
