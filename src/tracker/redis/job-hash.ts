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

/** A record as fields. */
export function fieldsOf(record: JobRecord): Record<string, string> {
  const fields: Record<string, string> = {};
  for (const name of NAMES) {
    const text = textOf(record, name);
    if (text !== undefined) fields[name] = text;
  }
  return fields;
}

/** Stands for progress as it is stored, which is written apart from changes: only its removal is one. */
export const KEPT: JobRecord['progress'] = Object.freeze({ value: 0, data: null });

/** The fields that a change sets, and those that it removes: what the job was at, in any case. */
export function difference(
  before: JobRecord,
  after: JobRecord,
): { set: Record<string, string>; remove: string[] } {
  const set: Record<string, string> = {};
  const remove = after.progress === null ? ['progress', 'activity'] : ['activity'];
  for (const name of NAMES) {
    if (name === 'progress' || name === 'activity' || before[name] === after[name]) continue;
    const text = textOf(after, name);
    if (text === undefined) remove.push(name);
    else set[name] = text;
  }
  return { set, remove };
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

/** Progress as it is stored. */
export function progressIn(text: string | null): JobRecord['progress'] {
  return text === null ? null : (JSON.parse(text) as JobRecord['progress']);
}

function textOf(record: JobRecord, name: Property): string | undefined {
  const value: unknown = record[name];
  if (value === undefined || (name === 'progress' && value === null)) return undefined;
  return PROPERTIES[name][0](value as never);
}
