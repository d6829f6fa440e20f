import type { JobRecord } from '../../job/job.js';

/** The fields of a hash. */
export type Fields = Readonly<Record<string, string>>;

type Writer = (value: never) => string;
type Reader = (text: string) => unknown;

const TEXT = [(value: string) => value, (text: string) => text] as const;
const NUMBER = [(value: number) => String(value), Number] as const;
const JSON_TEXT = [JSON.stringify, JSON.parse] as const;

/** How each property of a record is kept in its hash; what is `undefined` or no progress is not there. */
const PROPERTIES: Readonly<
  Record<keyof Omit<JobRecord, 'id'>, readonly [write: Writer, read: Reader]>
> = {
  ...{ name: TEXT, state: TEXT, parentId: TEXT, call: TEXT },
  ...{ stalled: NUMBER, rolledBack: JSON_TEXT, activity: JSON_TEXT },
  ...{ attempt: NUMBER, createdAt: NUMBER, startedAt: NUMBER, finishedAt: NUMBER, runAt: NUMBER },
  ...{ origin: JSON_TEXT, progress: JSON_TEXT, result: JSON_TEXT, error: JSON_TEXT },
};

type Property = keyof typeof PROPERTIES;
const NAMES = Object.keys(PROPERTIES) as Property[];
/** What the job is at is no matter of changes of state, which forget it. */
const CHANGING = NAMES.filter((name) => name !== 'progress' && name !== 'activity');

/** A record as fields: names and values in turn. */
export function fieldsOf(record: JobRecord): string[] {
  const fields: string[] = [];
  for (const name of NAMES) {
    const text = textOf(record, name);
    if (text !== undefined) fields.push(name, text);
  }
  return fields;
}

/** Stands for progress as it is stored, which is written apart from changes: only its removal is one. */
export const KEPT: JobRecord['progress'] = Object.freeze({ value: 0, data: null });

/** The fields that a change sets, names and values in turn, and those that it removes; not what the job was at. */
export function difference(
  before: JobRecord,
  after: JobRecord,
): { fields: string[]; gone: string[] } {
  const fields: string[] = [];
  const gone: string[] = [];
  for (const name of CHANGING) {
    if (before[name] === after[name]) continue;
    const text = textOf(after, name);
    if (text === undefined) gone.push(name);
    else fields.push(name, text);
  }
  return { fields, gone };
}

/** Fields as a record. */
export function recordOf(id: string, fields: Fields): JobRecord {
  const values = NAMES.map((name) => {
    const text = fields[name];
    return [name, text === undefined ? undefined : PROPERTIES[name][1](text)] as const;
  });
  const record = Object.fromEntries(values) as unknown as Omit<JobRecord, 'id'>;
  return { ...record, id, state: record.state, progress: record.progress ?? null };
}

/** Progress as it is stored; any number where there is none. */
export function progressIn(text: string | number): JobRecord['progress'] {
  return typeof text === 'number' ? null : (JSON.parse(text) as JobRecord['progress']);
}

function textOf(record: JobRecord, name: Property): string | undefined {
  const value: unknown = record[name];
  if (value === undefined || (name === 'progress' && value === null)) return undefined;
  return PROPERTIES[name][0](value as never);
}
