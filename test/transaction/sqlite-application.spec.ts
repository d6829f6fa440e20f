import { afterEach, describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import {
  DataSource,
  EventSubscriber,
  type EntitySubscriberInterface,
  type InsertEvent,
  type MigrationInterface,
  type QueryRunner,
} from 'typeorm';
import { InjectDataSource } from '@nestjs/typeorm';
import { databaseOf } from '../../src/transaction/sqlite/sqlite-database.js';
import { withReader, withWriterLock } from '../../src/transaction/sqlite/writer-access.js';
import { Latch } from '../support/latch.js';
import { closeApps } from '../support/test-app.js';
import {
  committed,
  holdingJob,
  Note,
  Notes,
  removeFiles,
  startSqliteApp,
  startSqlJsApp,
  type SqliteApp,
} from './sqlite-app.js';

afterEach(async () => {
  await closeApps();
  removeFiles();
});

const isFree = ({ dataSource }: SqliteApp): Promise<boolean> =>
  databaseOf(dataSource as never)
    .hold({ title: 'test' }, { limit: 0 })
    .then((release) => (release(), true));

/** Writes with an injected service, whatever transaction it is called in. */
@Injectable()
@EventSubscriber()
class Audit implements EntitySubscriberInterface<Note> {
  constructor(
    @InjectDataSource() dataSource: DataSource,
    private readonly notes: Notes,
  ) {
    dataSource.subscribers.push(this);
  }

  listenTo(): typeof Note {
    return Note;
  }

  async beforeInsert({ entity, manager }: InsertEvent<Note>): Promise<void> {
    if (/^(audited|announced)/.test(entity.text)) return;
    await manager.save(Note, { text: `announced ${entity.text}` });
  }

  async afterInsert({ entity }: InsertEvent<Note>): Promise<void> {
    if (/^(audited|announced)/.test(entity.text)) return;
    await this.notes.save(`audited ${entity.text}`);
  }
}

describe("The application's own code on SQLite, beside jobs", () => {
  it('has transactions begun by hand, one after the other', async () => {
    const app = await startSqliteApp();
    const { dataSource, file } = app;
    const byHand = async (text: string): Promise<void> => {
      const runner = dataSource.createQueryRunner();
      await runner.connect();
      await runner.startTransaction();
      try {
        await runner.manager.save(Note, { text });
        if (text.startsWith('bad')) throw new Error(text);
        await runner.commitTransaction();
      } catch {
        await runner.rollbackTransaction();
      } finally {
        await runner.release();
      }
    };
    await Promise.all(['bad 1', 'good 1', 'bad 2', 'good 2'].map(byHand));
    expect(committed(file)).toEqual(['good 1', 'good 2']);
    expect(await isFree(app)).toBe(true);
  });

  it('has subscribers that write with whatever repository they have, in requests and jobs', async () => {
    const { notes, dataSource, file } = await startSqliteApp({}, { providers: [Audit] });
    await notes.save('request');
    await dataSource.transaction((manager) => manager.save(Note, { text: 'transaction' }));
    await notes.run((repository) => repository.save({ text: 'job' }));
    const undone = notes.run(async (repository) => {
      await repository.save({ text: 'undone' });
      throw new Error('undone');
    });
    await expect(undone).rejects.toThrow('undone');
    expect(committed(file)).toEqual(
      ['request', 'transaction', 'job'].flatMap((text) => [
        `announced ${text}`,
        text,
        `audited ${text}`,
      ]),
    );
  });

  it('has nested transactions as savepoints, and sees its own rows with every repository', async () => {
    const app = await startSqliteApp();
    const seen = await app.dataSource.transaction(async (manager) => {
      await manager.save(Note, { text: 'outer' });
      const inner = app.dataSource.transaction(async () => {
        await app.notes.save('inner');
        throw new Error('undone');
      });
      await inner.catch(() => undefined);
      await app.notes.save('outer too');
      return app.notes.texts();
    });
    expect(seen).toEqual(['outer', 'outer too']);
    expect(committed(app.file)).toEqual(['outer', 'outer too']);
    expect(await isFree(app)).toBe(true);
  });

  it('may say BEGIN and COMMIT itself, and jobs wait meanwhile', async () => {
    const app = await startSqliteApp();
    const { dataSource, notes, file } = app;
    await dataSource.query('BEGIN');
    await notes.repository.insert({ text: 'by hand' });
    const job = notes.run((repository) => repository.save({ text: 'job' }));
    await dataSource.query('INSERT INTO note (text) VALUES (?)', ['by hand too']);
    expect(committed(file)).toEqual([]);
    await dataSource.query('COMMIT');
    await job;
    expect(committed(file)).toEqual(['by hand', 'by hand too', 'job']);
    expect(await isFree(app)).toBe(true);
  });

  it('frees the lock when a statement, a commit or a begin fails', async () => {
    const app = await startSqliteApp();
    const { dataSource } = app;
    await expect(dataSource.query('INSERT INTO nowhere VALUES (1)')).rejects.toThrow('nowhere');
    await dataSource.query(
      'CREATE TABLE child (id INTEGER REFERENCES note (id) DEFERRABLE INITIALLY DEFERRED)',
    );
    const transaction = dataSource.transaction((manager) =>
      manager.query('INSERT INTO child VALUES (99)'),
    );
    await expect(transaction).rejects.toThrow('FOREIGN KEY');
    await expect(dataSource.transaction('REPEATABLE READ', async () => 1)).rejects.toThrow(
      'isolation',
    );
    expect(await isFree(app)).toBe(true);
    await app.notes.run((repository) => repository.save({ text: 'job' }));
    expect(committed(app.file)).toEqual(['job']);
  });

  it('runs migrations, which switch foreign keys off on the connection that they use', async () => {
    const app = await startSqliteApp({ migrations: [AddColumn1700000000000] });
    await app.notes.save('before');
    const { over, goOn } = await holdingJob(app.notes);
    const migrated = app.dataSource.runMigrations();
    goOn();
    await Promise.all([over, migrated]);
    const rows: unknown = await app.dataSource.query('SELECT text, extra FROM note ORDER BY id');
    expect(rows).toEqual([
      { text: 'before', extra: 'x' },
      { text: 'job', extra: 'x' },
    ]);
    expect(await isFree(app)).toBe(true);
  });
});

export class AddColumn1700000000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query("ALTER TABLE note ADD COLUMN extra TEXT DEFAULT 'x'");
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE note DROP COLUMN extra');
  }
}

const KINDS: [string, () => Promise<SqliteApp>][] = [
  ['a file', () => startSqliteApp()],
  [':memory:', () => startSqliteApp({ database: ':memory:' })],
  ['sql.js', () => startSqlJsApp()],
];

describe.each(KINDS)('What a tracker has of %s', (kind, start) => {
  it('writes when the lock is free, though it was asked in the job that holds it', async () => {
    const { notes, dataSource } = await start();
    let written: Promise<unknown> | undefined;
    const job = notes.run(async (repository) => {
      await repository.save({ text: 'undone' });
      written = withWriterLock(dataSource as never, (runner) =>
        runner.query("INSERT INTO note (text) VALUES ('progress')"),
      );
      throw new Error('undone');
    });
    await expect(job).rejects.toThrow('undone');
    await written;
    expect(await notes.texts()).toEqual(['progress']);
  });

  it('undoes what it began and did not end', async () => {
    const { notes, dataSource } = await start();
    const failing = withWriterLock(dataSource as never, async (runner) => {
      await runner.startTransaction();
      await runner.query("INSERT INTO note (text) VALUES ('half')");
      throw new Error('broken');
    });
    await expect(failing).rejects.toThrow('broken');
    expect(await notes.texts()).toEqual([]);
  });

  it('reads what is committed', async () => {
    const { notes, dataSource } = await start();
    await notes.save('before');
    const { over, goOn } = await holdingJob(notes);
    const reading = withReader(dataSource as never, (runner) =>
      runner.query('SELECT text FROM note'),
    );
    if (kind === 'a file') expect(await reading).toEqual([{ text: 'before' }]);
    goOn();
    await over;
    expect(await reading).toHaveLength(kind === 'a file' ? 1 : 2);
  });

  it('waits no longer than it says', async () => {
    const { notes, dataSource } = await start();
    const { over, goOn } = await holdingJob(notes);
    const impatient = withWriterLock(dataSource as never, async () => 1, 1);
    await expect(impatient).rejects.toThrow(/job Notes\.run \([0-9a-f-]+\) still holds it/);
    goOn();
    await over;
  });
});

describe('A request that waits for a job', () => {
  it('gets in before jobs that came later', async () => {
    const { notes, file } = await startSqliteApp();
    const { over, goOn } = await holdingJob(notes, 'first');
    const request = notes.save('second');
    const asked = new Latch();
    setImmediate(asked.open);
    await asked.opened;
    const job = notes.run((repository) => repository.save({ text: 'third' }));
    goOn();
    await Promise.all([over, request, job]);
    expect(committed(file)).toEqual(['first', 'second', 'third']);
  });
});
