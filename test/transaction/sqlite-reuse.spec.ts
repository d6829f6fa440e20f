import { afterEach, describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import Sqlite from 'better-sqlite3';
import {
  EventSubscriber,
  type EntitySubscriberInterface,
  type Logger,
  type QueryRunner,
  type Repository,
} from 'typeorm';
import { Background, typeOrmTracker } from '../../src/index.js';
import { backgroundEntities } from '../../src/tracker/typeorm/entry.js';
import { preparedOn } from '../../src/transaction/sqlite/direct-statement.js';
import { closeApps } from '../support/test-app.js';
import { Note, removeFiles, startSqliteApp } from './sqlite-app.js';

afterEach(async () => {
  await closeApps();
  removeFiles();
});

/** A log of TypeORM that keeps the statements. */
class Statements implements Logger {
  readonly logged: string[] = [];

  logQuery(query: string): void {
    this.logged.push(query);
  }

  logQueryError(): void {}
  logQuerySlow(): void {}
  logSchemaBuild(): void {}
  logMigration(): void {}
  log(): void {}
}

/** Leaves something in the runner of each job that writes a note, and notes what it finds there. */
@EventSubscriber()
class Leaving implements EntitySubscriberInterface {
  static readonly found: unknown[] = [];

  beforeQuery({ query, queryRunner }: { query: string; queryRunner: QueryRunner }): void {
    if (!query.startsWith('INSERT INTO "note"')) return;
    Leaving.found.push(queryRunner.data);
    queryRunner.data['left'] = true;
  }
}

@Injectable()
class Writer {
  constructor(@InjectRepository(Note) readonly notes: Repository<Note>) {}

  @Background()
  async write(text: string): Promise<void> {
    await this.notes.insert({ text });
  }

  /** SQLite rolls the whole transaction back, and that is caught. */
  @Background()
  async loses(text: string): Promise<void> {
    await this.notes.insert({ text });
    await this.notes
      .query('INSERT OR ROLLBACK INTO note (id, text) VALUES (NULL, NULL)')
      .catch(() => undefined);
    await this.notes.insert({ text });
  }
}

describe('Jobs that follow each other on one connection to a SQLite file', () => {
  async function start(options: object = {}): Promise<Writer> {
    const app = await startSqliteApp(
      { entities: [Note, ...backgroundEntities], ...options },
      { background: { tracker: typeOrmTracker(), concurrency: 1 }, providers: [Writer] },
    );
    return app.get(Writer);
  }

  it('find nothing in the runner that an earlier one has left there', async () => {
    const writer = await start({ subscribers: [Leaving] });
    for (const text of ['a', 'b']) await writer.write(text);
    expect(Leaving.found).toHaveLength(2);
    for (const data of Leaving.found) expect(data).toEqual({ left: true });
    expect(Leaving.found[0]).not.toBe(Leaving.found[1]);
  });

  it('are not refused because the transaction of an earlier one was lost', async () => {
    const writer = await start();
    await writer.write('a');
    await expect(writer.loses('b')).rejects.toThrow('rolled back');
    await writer.write('c');
    const texts = (await writer.notes.find()).map(({ text }) => text);
    expect(texts).toEqual(['a', 'c']);
  });

  it('share it with the tracker, whose statements no log of the application hears of', async () => {
    const logger = new Statements();
    const writer = await start({ logger });
    await writer.write('a');
    const logged = logger.logged.filter((sql) => sql.includes('background_job'));
    expect(logged.filter((sql) => /^INSERT INTO|SET state = 'running'/.test(sql))).toEqual([]);
    expect(logged.some((sql) => sql.startsWith('UPDATE'))).toBe(true);
  });
});

it('No more statements are kept prepared than are of use', () => {
  const native = new Sqlite(':memory:');
  const statements = new Map<string, unknown>();
  for (let count = 0; count < 500; count++)
    preparedOn(native as never, statements, `SELECT ${count}`);
  expect(statements.size).toBe(100);
  expect(statements.has('SELECT 499')).toBe(true);
  const kept = statements.get('SELECT 499');
  expect(preparedOn(native as never, statements, 'SELECT 499')).toBe(kept);
  native.close();
});
