import type { JobRecord } from '../../job/job.js';
import { moment } from './format.js';
import { Html, markup } from './html.js';
import { FRAME_STYLE, PAGE_STYLE } from './styles.js';

/** What the page says before anything of the job: it does not change. */
export interface PageHead {
  readonly record: JobRecord;
  /** Path and query of the page. */
  readonly url: string;
  readonly nonce: string;
  readonly canCancel: boolean;
  /** Whether the page goes on by itself. */
  readonly follows: boolean;
  /** Where the job is one of a table of all jobs: from there it may also be run again. */
  readonly table?: TableLinks;
}

/** Paths and queries of the places around a job, for whoever may see all of them. */
export interface TableLinks {
  /** The table, as its reader left it. */
  readonly url: string;
  /** The page of another job. */
  job(id: string): string;
  /** The table of the jobs that one has started. */
  children(id: string): string;
}

/**
 * The page up to where its parts stream in. They come in the order of time; a declarative shadow root puts each in its
 * place, for the eye and for screen readers alike. A browser that knows none shows them in the order of time.
 */
export function pageStart(head: PageHead): Html {
  const { record, nonce, canCancel, table } = head;
  return markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
${hasForm(head) && FORM_REFERRER}<title>${record.name} – background job</title>
<style nonce="${nonce}">${new Html(PAGE_STYLE)}</style>
</head>
<body>
<main>${frame(nonce)}
${table && around(record, table)}<header slot="head"><div class="kind">Background job</div><h1>${record.name}</h1></header>
${foot(head)}
${canCancel && cancelForm(head)}`;
}

export const PAGE_END = '\n</main>\n</body>\n</html>\n';

const BEFORE_LOG = ['head', 'now', 'act', 'outcome', 'nested'];

function frame(nonce: string): Html {
  const slots = BEFORE_LOG.map((name) => markup`<slot name="${name}"></slot>`);
  const log = markup`<slot name="log"><span class="none">No output.</span></slot>`;
  return markup`<template shadowrootmode="open"><style nonce="${nonce}">${new Html(FRAME_STYLE)}</style>
${slots}
<div class="output"><h2 id="output">Output</h2>
<div class="log" role="log" aria-live="off" aria-labelledby="output" tabindex="0"><div class="lines">${log}</div></div></div>
<slot name="broken"></slot><slot name="foot"></slot>
<div class="said" role="status"><slot name="said"></slot></div></template>`;
}

function foot({ record, url, follows }: PageHead): Html {
  const how = follows
    ? markup`This page follows the job by itself. If it stands still, <a href="${url}">reload it</a>. You may close it: the job goes on.`
    : markup`This page stands still. <a href="${url}">Follow the job</a>.`;
  const others = markup`<a href="${url}&_as=text">plain text</a>, or <a href="${url}&_as=json">JSON</a>`;
  return markup`<footer slot="foot"><p class="while">${how}</p>
<p>Created ${moment(record.createdAt)}. The same as ${others}.</p>
<p>Job ${record.id}</p></footer>`;
}

/** A form tells where it was sent from only if the page may; elsewhere nobody is told. */
export const FORM_REFERRER = new Html('<meta name="referrer" content="same-origin">\n');

/** Whether there is, or may come to be, something to press. */
export function hasForm({ canCancel, table }: PageHead): boolean {
  return canCancel || table !== undefined;
}

function around({ parentId }: JobRecord, { url, job }: TableLinks): Html {
  const parent =
    parentId !== undefined && markup` · <a href="${job(parentId)}">The job that started it</a>`;
  return markup`<nav slot="head" aria-label="Jobs"><a href="${url}">All jobs</a>${parent}</nav>`;
}

/** It stays one and the same while the rest changes, so that it is not taken away under somebody's finger. */
function cancelForm({ url }: PageHead): Html {
  const action = `${url}&_cancel=1`;
  return markup`<form slot="act" method="post" action="${action}"><button>Cancel this job</button></form>\n`;
}

/** Only once there is something to run again. The other form is gone by then. */
export function retryForm({
  record: { state },
  url,
}: Pick<PageHead, 'record' | 'url'>): Html | undefined {
  if (state !== 'failed' && state !== 'cancelled') return undefined;
  const action = `${url}&_retry=1`;
  return markup`<form slot="act" class="calm" method="post" action="${action}"><button>Run it again</button></form>\n`;
}

/** Where the answer ends and the job does not. */
export function brokenOff(url: string, comesBack: boolean): Html {
  if (comesBack) return markup`<meta http-equiv="refresh" content="0">`;
  return markup`<aside slot="broken" class="while">This page no longer follows the job. <a href="${url}">Reload it</a> to see how it goes on.</aside>`;
}
