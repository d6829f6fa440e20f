import type { JobState } from '../../job/job.js';
import { TRANSITIONS, type JobChange } from '../../job/state-machine.js';
import type { Dialect } from './dialect.js';
import { jsonFor } from './job-row.js';

/** The owner of jobs that were handed back: no process. */
export const NOBODY = '00000000-0000-0000-0000-000000000000';

const UNOWNED = ', owner = NULL';

/** What comes after SET. */
export interface Assignment {
  readonly sql: string;
  readonly values: readonly unknown[];
}

const WITHOUT_VALUES = {
  enqueue: 'run_at = NULL',
  stall: 'progress = NULL, stalled = COALESCE(stalled, 0) + 1',
} as const;

/** What `applyChange` does to a record, beside its state. */
export function assignmentOf(
  change: JobChange,
  { dialect, owner }: { readonly dialect: Dialect; readonly owner: string },
): Assignment {
  switch (change.type) {
    case 'start':
      return {
        sql: 'attempt = attempt + 1, started_at = ?, progress = NULL, error = NULL, rolled_back = NULL, owner = ?',
        values: [change.at, owner],
      };
    case 'complete':
      return end(
        'result',
        change.at,
        jsonFor(change.result, dialect),
        dialect.filesLater ? '' : UNOWNED,
      );
    case 'fail':
    case 'cancel':
      return end('error', change.at, jsonFor(change.error, dialect), `${UNOWNED}${undone(change)}`);
    case 'reschedule':
      return {
        sql: `error = ?, run_at = ?, stalled = NULL${undone(change)}`,
        values: [jsonFor(change.error, dialect), change.runAt ?? null],
      };
    case 'retry':
      return {
        sql: 'started_at = NULL, finished_at = NULL, progress = NULL, stalled = NULL, owner = ?',
        values: [owner],
      };
    case 'release':
      return { sql: 'progress = NULL, owner = ?', values: [NOBODY] };
    default:
      return { sql: WITHOUT_VALUES[change.type], values: [] };
  }
}

function end(
  column: 'result' | 'error',
  at: number,
  json: string | null,
  more: string,
): Assignment {
  return { sql: `finished_at = ?, ${column} = ?${more}`, values: [at, json] };
}

function undone({ rolledBack }: { rolledBack?: true }): string {
  return rolledBack ? ', rolled_back = 1' : '';
}

interface Transition {
  /** States as a list of SQL. */
  readonly from: string;
  readonly to: JobState;
}

const KNOWN = new Map<JobChange['type'], Transition>();

/** From which states a change leads where. */
export function transition(type: JobChange['type']): Transition {
  const known = KNOWN.get(type) ?? transitionOf(type);
  KNOWN.set(type, known);
  return known;
}

function transitionOf(type: JobChange['type']): Transition {
  const states = Object.entries(TRANSITIONS).filter(([, changes]) => changes[type]);
  const to = states[0]?.[1][type];
  if (!to) throw new TypeError(`No state admits the change ${type}.`);
  return { from: states.map(([state]) => `'${state}'`).join(', '), to };
}
