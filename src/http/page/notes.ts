import type { ExposeOptions } from '../../decorators/route-door.js';
import type { JobActivity, JobRecord } from '../../job/job.js';
import { timeSpan } from './format.js';

type Wait = NonNullable<JobActivity['waitsFor']>;

/** What is to be said beside the state, in words for somebody who knows nothing of jobs: each a sentence. */
export function notesOf(record: JobRecord, now: number, expose?: ExposeOptions): string[] {
  switch (record.state) {
    case 'queued':
      return ['It waits for its turn: it starts when another job makes room.'];
    case 'scheduled':
      return scheduled(record, now, expose);
    case 'running':
      return running(record.activity ?? {}, now);
    default:
      return [];
  }
}

/** What became of its changes to the database, where they are not there. */
export function undoneText({ rolledBack }: JobRecord): string | undefined {
  return rolledBack && 'What it had changed in the database was undone (rolled back).';
}

/** What a job waits for, as `… waits for` goes on. */
export function waitText({ what, name }: Wait): string {
  switch (what) {
    case 'job':
      return name === undefined ? 'another job to end' : `another job to end: ${name}`;
    case 'timed query':
      return 'something to appear in the database';
    case 'writer lock':
      return 'its turn to write to the database';
    case 'connection':
      return 'a free connection to the database';
    case 'place':
      return 'its turn to begin';
  }
}

function running({ waitsFor, writingSince }: JobActivity, now: number): string[] {
  const span = (since: number): string => timeSpan(now - since);
  const notes = [];
  if (waitsFor) notes.push(`It has waited ${span(waitsFor.since)} for ${waitText(waitsFor)}.`);
  if (writingSince === undefined) return notes;
  const open = `Its changes to the database have been open for ${span(writingSince)}`;
  return [...notes, `${open}: they take effect when it completes.`];
}

function scheduled(record: JobRecord, now: number, expose?: ExposeOptions): string[] {
  const { attempt, runAt, error } = record;
  const when =
    runAt === undefined ? 'in a while' : `in ${timeSpan(Math.max(0, runAt - now) + 999)}`;
  if (attempt > 0) {
    const why = expose?.message === false || !error ? '.' : `: ${error.message}`;
    return [`Attempt ${attempt} failed${why}`, `It is tried again ${when}.`];
  }
  if (runAt === undefined) return ['It waits for the results of other jobs, which it needs.'];
  return [`It waits for the time it was planned for: it starts ${when}.`];
}
