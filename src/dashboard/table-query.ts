import { aJobId, aText, checkOptions, oneOf, type OptionRule } from '../errors/check-options.js';
import { TRANSITIONS } from '../job/state-machine.js';
import { queryOf } from '../http/request-view.js';
import type { JobQuery } from '../tracker/job-tracker.js';

const ROWS = 50;
const MOST_ROWS = 1000;

const RULES = {
  state: oneOf(...Object.keys(TRANSITIONS)),
  name: aText,
  parentId: aJobId,
  before: aJobId,
  limit: {
    expected: `a whole number from 1 to ${MOST_ROWS}`,
    accepts: (value) => typeof value === 'number' && value >= 1 && value <= MOST_ROWS,
  } satisfies OptionRule,
};

/** Which jobs a table shows, as its URL says. */
export interface TableQuery extends Readonly<JobQuery> {
  readonly limit: number;
}

/**
 * Reads it from a URL. A field of a form that was left empty counts as not given; what is no business of the table is
 * left alone. @throws BackgroundOptionsError for a value that cannot be meant, or that is given twice.
 */
export function readTableQuery(url: string): TableQuery {
  const params = new URLSearchParams(queryOf(url));
  const given = Object.keys(RULES).map((name) => [name, valueOf(params.getAll(name))] as const);
  const { limit, ...query } = Object.fromEntries(given);
  const read = { limit: limit === undefined ? ROWS : numberIn(limit), ...query };
  checkOptions('The table of jobs', read, RULES);
  return read as TableQuery;
}

function valueOf(values: readonly string[]): string | readonly string[] | undefined {
  return values.length > 1 ? values : values[0] || undefined;
}

function numberIn(value: string | readonly string[]): unknown {
  return typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value;
}
