import type { ExposeOptions } from '../../decorators/route-door.js';
import type { JobRecord, JobState } from '../../job/job.js';
import { isFinal } from '../../job/state-machine.js';
import { dataText, exactSpan, isPercentage, timeSpan } from './format.js';
import { markup, type Html } from './html.js';

/** A shape and a word for each state, so that none is told by colour alone. */
export const STATES: Readonly<Record<JobState, { mark: string; word: string }>> = {
  scheduled: { mark: '◷', word: 'Scheduled' },
  queued: { mark: '⋯', word: 'Queued' },
  running: { mark: '▶', word: 'Running' },
  completed: { mark: '✓', word: 'Completed' },
  failed: { mark: '✗', word: 'Failed' },
  cancelled: { mark: '■', word: 'Cancelled' },
};

/** How the job is right now. It is sent again whenever that changes. */
export function statusPart(record: JobRecord, now: number, expose?: ExposeOptions): Html {
  const { mark, word } = STATES[record.state];
  const over = isFinal(record.state) && ' over';
  const state = markup`<span class="mark" aria-hidden="true">${mark}</span><strong>${word}</strong>${span(record, now)}`;
  return markup`<section slot="now" class="is-${record.state}${over}"><div class="state">${state}</div>${reason(record, expose)}${howFar(record, now)}</section>\n`;
}

/** What a screen reader is told of it, without being asked. */
export function statusText(record: JobRecord): string {
  const { progress, state } = record;
  const word = STATES[state].word;
  if (!progress || state !== 'running') return `${word}.`;
  return `${word}, ${amount(progress.value, isPercentage(progress))}. ${dataText(progress.data)}`;
}

function span(
  { state, createdAt, startedAt, finishedAt, attempt }: JobRecord,
  now: number,
): string {
  const which = attempt > 1 ? `, attempt ${attempt}` : '';
  if (state === 'running') return ` for ${timeSpan(now - (startedAt ?? now))}${which}`;
  if (finishedAt === undefined) return `, created ${timeSpan(now - createdAt)} ago`;
  if (startedAt === undefined) return ' before it began';
  const taken = exactSpan(finishedAt - startedAt);
  return state === 'completed' ? ` in ${taken}${which}` : ` after ${taken}${which}`;
}

/** What it waits for, where it does. */
function reason(record: JobRecord, expose?: ExposeOptions): Html | undefined {
  const text = waitsFor(record, expose);
  return text === undefined ? undefined : markup`<div class="note">${text}</div>`;
}

function waitsFor(record: JobRecord, expose?: ExposeOptions): string | undefined {
  const { state, attempt } = record;
  if (state === 'queued') return 'It waits for its turn: it starts when another job makes room.';
  if (state !== 'scheduled') return undefined;
  if (attempt === 0) return 'It waits for the time it was planned for.';
  const why = expose?.message === false ? '' : `: ${record.error?.message ?? ''}`;
  return `Attempt ${attempt} failed${why} – it is tried again in a while.`;
}

function howFar(record: JobRecord, now: number): Html | undefined {
  const { progress, state } = record;
  if (!progress) return undefined;
  const isPart = isPercentage(progress);
  const value = state === 'completed' && isPart ? 100 : progress.value;
  const texts = [dataText(progress.data), estimate(record, now)].filter(Boolean);
  return markup`${bar(value, isPart, state)}<div class="far"><b>${amount(value, isPart)}</b>${texts.map((text) => ` · ${text}`)}</div>`;
}

/** A bar that is filled as far as is known; of what only counts nothing is known but that it goes on. */
export function bar(value: number, isPart: boolean, state: JobState): Html | undefined {
  const percent = Math.floor(value);
  if (isPart) {
    return markup`<progress max="100" value="${percent}" aria-label="Progress">${percent} %</progress>`;
  }
  return state === 'running' ? markup`<progress aria-label="Progress"></progress>` : undefined;
}

export function amount(value: number, isPart: boolean): string {
  return isPart
    ? `${Math.floor(value)} %`
    : value.toLocaleString('en', { maximumFractionDigits: 2 });
}

/** How long it still takes if it goes on as it did; said only once there is something to go by. */
function estimate({ state, progress, startedAt }: JobRecord, now: number): string {
  if (state !== 'running' || !progress || startedAt === undefined) return '';
  const elapsed = now - startedAt;
  if (!isPercentage(progress) || progress.value < 1 || progress.value >= 100 || elapsed < 2000) {
    return '';
  }
  return `about ${timeSpan((elapsed * (100 - progress.value)) / progress.value + 999)} left`;
}
