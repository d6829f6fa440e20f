import type { ExposeOptions } from '../../decorators/route-door.js';
import type { JobRecord, JobState } from '../../job/job.js';
import { isFinal } from '../../job/state-machine.js';
import { dataText, exactSpan, isPercentage, timeSpan } from './format.js';
import { markup, type Html } from './html.js';
import { notesOf, undoneText, waitText } from './notes.js';

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
  const notes = notesOf(record, now, expose).map((text) => markup`<p class="note">${text}</p>`);
  const undone = undoneText(record) && markup`<p>${undoneText(record)}</p>`;
  const state = markup`<span class="mark" aria-hidden="true">${mark}</span><strong>${word}</strong>${span(record, now)}`;
  return markup`<section slot="now" class="is-${record.state}${over}"><div class="state">${state}</div>${notes}${undone}${howFar(record, now)}</section>\n`;
}

/** What a screen reader is told of it, without being asked. */
export function statusText(record: JobRecord): string {
  const { progress, state, activity, rolledBack } = record;
  const { word } = STATES[state];
  if (rolledBack) return `${word}. Its changes to the database were undone.`;
  if (state !== 'running') return `${word}.`;
  const far = progress && `, ${amount(progress.value, isPercentage(progress))}`;
  const beside = [
    dataText(progress?.data),
    activity?.waitsFor && `It waits for ${waitText(activity.waitsFor)}.`,
  ];
  return [`${word}${far ?? ''}.`, ...beside.filter(Boolean)].join(' ');
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
function estimate({ state, progress, startedAt, activity }: JobRecord, now: number): string {
  // How long it waits, its own pace does not say.
  if (state !== 'running' || !progress || activity?.waitsFor || startedAt === undefined) return '';
  const elapsed = now - startedAt;
  if (!isPercentage(progress) || progress.value < 1 || progress.value >= 100 || elapsed < 2000) {
    return '';
  }
  return `about ${timeSpan((elapsed * (100 - progress.value)) / progress.value + 999)} left`;
}
