import type { JobState } from '../../job/job.js';
import type { OutsideNews, Sight } from '../watchers.js';
import { jsonText, list, type Row } from './dialect.js';
import type { Database } from './job-store.js';
import type { PostgresPush } from './postgres-push.js';

/** How often the jobs that somebody watches are looked at, for what other processes did to them; in ms. */
const INTERVAL = 1_000;

/** What is new of jobs is found in their rows, and pushed where the database can. */
export class RowNews implements OutsideNews {
  readonly interval = INTERVAL;

  constructor(
    private readonly db: Database,
    private readonly push: PostgresPush | undefined,
  ) {}

  join(id: string): void {
    this.push?.watches(id);
  }

  leave(id: string): void {
    this.push?.leaves(id);
  }

  async look(ids: readonly string[]): Promise<ReadonlyMap<string, Sight>> {
    this.push?.watchesStill(ids);
    const { connections, dialect, tables } = this.db;
    const { rows } = await connections.run(
      `SELECT id, state, attempt, ${jsonText(dialect, 'progress')}, ${jsonText(dialect, 'activity')}, (SELECT MAX(last_seq) FROM ${tables.output} ` +
        `WHERE job_id = id) AS last_seq FROM ${tables.job} WHERE id IN (${list(ids)})`,
      ids,
    );
    return new Map(rows.map((row) => [row['id'] as string, sightOf(row)]));
  }
}

function sightOf(row: Row): Sight {
  const standing = { state: row['state'] as JobState, attempt: Number(row['attempt']) };
  return { text: JSON.stringify(Object.values(row)), standing };
}
