import { NotFoundException } from '@nestjs/common';
import type { BackgrounderOptions, JobView } from '../decorators/route-door.js';
import type { JobRecord } from '../job/job.js';
import { isFinal } from '../job/state-machine.js';
import type { OutputPage } from '../output/output-chunk.js';
import { pageFor } from '../output/seen-output.js';
import { transcript } from '../output/transcript.js';
import type { BackgroundRuntime } from '../runtime/background-runtime.js';
import {
  endedAnswer,
  jsonAnswer,
  openHeaders,
  pageAnswer,
  textAnswer,
  type JobHead,
} from './answers.js';
import { exposedJob } from './exposed-job.js';
import { ndjsonWriter } from './faces/ndjson.js';
import { sseWriter } from './faces/sse.js';
import { textWriter } from './faces/text.js';
import type { LiveWriter } from './faces/live-writer.js';
import type { HttpDoor } from './http-door.js';
import { held } from './hold.js';
import { liveFrames, waitForStep } from './live.js';
import type { PollChoice } from './negotiate.js';
import { OpenAnswer } from './open-answer.js';
import { newNonce, pagePolicy, OWN_PAGE_POLICY } from './page/policy.js';
import { hasForm, type TableLinks } from './page/document.js';
import { LivePage } from './page/live-page.js';
import { childrenOf } from './page/nested-jobs.js';
import { pageLocation } from './poll-location.js';

/** One request to see one job. */
export interface Showing {
  readonly runtime: BackgroundRuntime;
  readonly door: HttpDoor;
  readonly route: BackgrounderOptions;
  readonly choice: PollChoice;
  readonly record: JobRecord;
  /** Where the job is one of a table of all jobs. */
  readonly table?: TableLinks;
  readonly onError: (error: unknown) => void;
}

/** Answers with the job in the face that was asked for; at once, or as it goes on. */
export async function showJob(showing: Showing): Promise<void> {
  const { choice, record, door, route } = showing;
  const after = await seenUntil(showing);
  const isAfterEnd = isFinal(record.state) && choice.resumes && (choice.after ?? 0) > after;
  if (isAfterEnd) return door.answer(endedAnswer(headOf(showing)));
  if (choice.face === 'html' && route.render) return showOwnPage(showing);
  const isOneValue = choice.face === 'json' || (choice.face === 'text' && !choice.follows);
  return isOneValue ? showWhole(showing, after) : showLive(showing, after);
}

/** Leaves the answer open, and returns. */
function showLive(showing: Showing, after: number): void {
  const { choice, runtime, door } = showing;
  const { writer, policy } = writerFor(showing);
  const headers = openHeaders(headOf(showing), choice.face, policy);
  door.open(headers, (raw) => {
    const answer = new OpenAnswer(raw, runtime.settings.clock);
    runtime.readers.join(answer);
    if (choice.follows) holdFor(showing, answer);
    else answer.finish();
    const frames = door.method === 'HEAD' ? none() : framesOf(showing, writer, after, answer);
    answer.send(frames, writer.beat).catch(showing.onError);
  });
}

/** How long the reader is let in, where a proxy must not be kept waiting. */
function holdFor({ runtime }: Showing, answer: OpenAnswer): void {
  const { hold } = runtime.settings.http;
  if (hold === undefined) return;
  const stop = runtime.settings.clock.after(hold, () => answer.finish());
  void answer.closed.then(stop);
}

function framesOf(
  { runtime, choice }: Showing,
  writer: LiveWriter,
  after: number,
  { ending }: OpenAnswer,
): AsyncIterable<string> {
  return liveFrames(runtime.settings.tracker, choice.id, writer, { after, signal: ending });
}

/** All output, or the job with it. */
async function showWhole(showing: Showing, after: number): Promise<void> {
  const { runtime, door, choice, route } = showing;
  if (choice.prefer.wait && door.method === 'GET') await wait(showing, after);
  const { record, page } = await look(runtime, choice.id, after);
  const applied = { respondAsync: false, wait: choice.prefer.wait };
  const head = { record, now: runtime.settings.clock.now(), applied };
  const output = transcript(page);
  if (choice.face === 'text') return door.answer(textAnswer(head, output, page.last));
  door.answer(jsonAnswer(head, exposedJob(record, route.expose), output, page.last));
}

/** Until the job is over; with `_after`, until there is anything new. */
async function wait({ runtime, door, choice }: Showing, after: number): Promise<void> {
  const wantsNews = choice.after !== undefined;
  await held(runtime, door, choice.prefer.wait!, (signal) =>
    waitForStep(
      { tracker: runtime.settings.tracker, id: choice.id, after, signal },
      ({ page, seen }) => wantsNews && (page.chunks.length > 0 || seen !== undefined),
    ),
  );
}

async function showOwnPage({
  runtime,
  door,
  choice,
  route,
  record: { id },
}: Showing): Promise<void> {
  const { record, page } = await look(runtime, choice.id, 0);
  const url = pageLocation(door.url, runtime.settings.http.param, id);
  const done = isFinal(record.state);
  const children = await childrenOf(runtime.settings.tracker, id);
  const view: JobView = {
    ...{ job: exposedJob(record, route.expose), done, output: transcript(page), url },
    children: children.map((child) => exposedJob(child, route.expose)),
    ...(route.cancel && !done ? { cancelUrl: `${url}&_cancel=1` } : {}),
  };
  const html = await route.render!(view);
  // What the application says of its own pages goes before what we would say.
  const policy = door.answerHeader('content-security-policy') ?? OWN_PAGE_POLICY;
  door.answer(pageAnswer({ record, now: runtime.settings.clock.now() }, html, policy));
}

function writerFor(showing: Showing): { writer: LiveWriter; policy?: string } {
  const { choice, route } = showing;
  if (choice.face === 'text') return { writer: textWriter() };
  if (choice.face === 'ndjson') return { writer: ndjsonWriter(route.expose) };
  if (choice.face === 'sse') {
    // Readers that were cut off together shall not come back together.
    return { writer: sseWriter(route.expose, 1000 + Math.round(Math.random() * 2000)) };
  }
  return pageWriter(showing);
}

function pageWriter(showing: Showing): { writer: LiveWriter; policy: string } {
  const { runtime, door, choice, route, record, table } = showing;
  const { tracker, clock, http } = runtime.settings;
  const nonce = newNonce();
  const url = pageLocation(door.url, http.param, record.id);
  const canCancel = route.cancel === true && !isFinal(record.state);
  const head = { record, url, nonce, canCancel, table, follows: choice.follows };
  const writer = new LivePage({
    ...{ ...head, expose: route.expose },
    now: () => clock.now(),
    children: (id) => childrenOf(tracker, id),
    comesBack: () => http.hold !== undefined && !runtime.readers.closing,
  });
  return { writer, policy: pagePolicy(nonce, hasForm(head)) };
}

/**
 * The number after which the reader has seen nothing. One that was never given, being too high, would hide what comes:
 * then it is the latest.
 */
async function seenUntil({ runtime, choice: { id, after = 0 } }: Showing): Promise<number> {
  if (after === 0) return 0;
  const { tracker } = runtime.settings;
  const page = await tracker.output(id, after - 1);
  if (!page || page.gap || page.chunks.length > 0) return after;
  return (await tracker.output(id, 0))?.last ?? 0;
}

async function look(
  { settings: { tracker } }: BackgroundRuntime,
  id: string,
  after: number,
): Promise<{ record: JobRecord; page: OutputPage }> {
  const record = await tracker.find(id);
  // The output after the record: where the record says the end, the output is whole.
  const page = record && (await tracker.output(id, after));
  if (!record || !page) throw new NotFoundException('There is no such job here.');
  return { record, page: pageFor(page, after) };
}

function headOf({ record, runtime }: Showing): JobHead {
  return { record, now: runtime.settings.clock.now() };
}

async function* none(): AsyncGenerator<string> {}
