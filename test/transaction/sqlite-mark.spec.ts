import { afterEach, describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import Sqlite from 'better-sqlite3';
import type { Repository } from 'typeorm';
import { Background, typeOrmTracker } from '../../src/index.js';
import { backgroundEntities } from '../../src/tracker/typeorm/entry.js';
import { Latch } from '../support/latch.js';
import { closeApps } from '../support/test-app.js';
import {
  committed,
  Note,
  removeFiles,
  startSqliteApp,
  type SqliteApp,
  type SqliteOptions,
} from './sqlite-app.js';

afterEach(async () => {
  await closeApps();
  removeFiles();
  Writer.before = Writer.after = undefined;
});

/** A durable job, whose arguments can be stored. */
@Injectable()
class Writer {
  static before: (() => Promise<void>) | undefined;
  static after: (() => Promise<void> | void) | undefined;

  constructor(@InjectRepository(Note) readonly notes: Repository<Note>) {}

  @Background()
  async write(text: string): Promise<string> {
    await Writer.before?.();
    await this.notes.insert({ text });
    await Writer.after?.();
    return text;
  }
}

interface DurableApp extends SqliteApp {
  readonly writer: Writer;
}

async function start(options: SqliteOptions = {}): Promise<DurableApp> {
  const app = await startSqliteApp(
    { entities: [Note, ...backgroundEntities], ...options },
    { background: { tracker: typeOrmTracker() }, providers: [Writer] },
  );
  return Object.assign(app, { writer: app.get(Writer) });
}

/** As another process does it to the file. */
function elsewhere(file: string, sql: string): void {
  const other = new Sqlite(file);
  other.exec(sql);
  other.close();
}

function jobsIn(file: string): number {
  const other = new Sqlite(file, { readonly: true });
  try {
    const [row] = other.prepare('SELECT count(*) AS jobs FROM background_job').all();
    return (row as { jobs: number }).jobs;
  } finally {
    other.close();
  }
}

const ways: [string, SqliteOptions][] = [
  ['by itself', {}],
  ['through TypeORM, where queries are logged', { logging: ['info', 'query'], logger: quiet() }],
];

describe.each(ways)('The mark of a job on SQLite, written %s,', (_, options) => {
  it('is committed with its rows', async () => {
    const app = await start(options);
    const job = app.writer.write('kept');
    await expect(job).resolves.toBe('kept');
    expect(committed(app.file)).toEqual(['kept']);
    expect(await app.service.list()).toMatchObject([{ state: 'completed', result: 'kept' }]);
  });

  it('undoes them where another attempt has taken the job over', async () => {
    const app = await start(options);
    Writer.before = async () => elsewhere(app.file, 'UPDATE background_job SET attempt = 2');
    await expect(app.writer.write('undone')).rejects.toThrow(/taken over|taken it over/);
    expect(committed(app.file)).toEqual([]);
  });

  it('undoes them where the job is not there any more', async () => {
    const app = await start(options);
    Writer.before = async () => elsewhere(app.file, 'DELETE FROM background_job');
    await expect(app.writer.write('undone')).rejects.toThrow();
    expect(committed(app.file)).toEqual([]);
  });

  it('waits for another process that writes, while others run on', async () => {
    const app = await start(options);
    const other = new Sqlite(app.file);
    const ready = new Latch();
    Writer.before = async () => {
      other.exec('BEGIN IMMEDIATE');
      ready.open();
    };
    const job = app.writer.write('later');
    await ready.opened;
    setImmediate(() => other.exec('COMMIT'));
    await expect(job).resolves.toBe('later');
    other.close();
    expect(committed(app.file)).toEqual(['later']);
  });
});

describe('What the tracker writes to a SQLite file', () => {
  it('takes its turn among those who write, and is not left to chance', async () => {
    const app = await start();
    const [written, goOn] = [new Latch(), new Latch()];
    Writer.after = async () => {
      written.open();
      await goOn.opened;
    };
    const first = app.writer.write('first');
    await written.opened;
    Writer.after = undefined;
    const second = app.writer.write('second');
    // What is asked for in one turn of the event loop is stored together, at its end.
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
    const request = app.notes.save('request').then(() => jobsIn(app.file));
    goOn.open();
    expect(await request).toBe(2);
    await Promise.all([first, second]);
  });
});

describe('A log of queries', () => {
  it("has those of a job's transaction, and those that end it", async () => {
    const logged: string[] = [];
    const app = await start({ logging: ['query'], logger: quiet((sql) => logged.push(sql)) });
    logged.length = 0;
    await app.writer.write('seen');
    const own = logged.map((sql) => sql.split(' ')[0]);
    expect(own.join(' ')).toContain('BEGIN INSERT');
    expect(own.at(-1)).toBe('COMMIT');
  });
});

function quiet(logQuery: (sql: string) => void = () => {}): NonNullable<SqliteOptions['logger']> {
  const nothing = (): void => {};
  const rest = { logQuerySlow: nothing, logSchemaBuild: nothing, logMigration: nothing };
  return { logQuery, logQueryError: nothing, log: nothing, ...rest };
}
