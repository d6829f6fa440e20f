import { renameSync, rmSync } from 'node:fs';
import { afterEach, describe, expect, it } from '@jest/globals';
import Sqlite from 'better-sqlite3';
import {
  Background,
  JobTransactionError,
  timedQuery,
  TimedQuerySnapshotError,
} from '../../src/index.js';
import { Injectable } from '@nestjs/common';
import type { Repository } from 'typeorm';
import { Latch } from '../support/latch.js';
import { closeApps } from '../support/test-app.js';
import { committed, freshFile, Note, Notes, removeFiles, startSqliteApp } from './sqlite-app.js';
import { ticking } from './ticking.js';

afterEach(async () => {
  await closeApps();
  removeFiles();
});

describe('A job on a SQLite file fails, and writes nothing,', () => {
  it.each([
    ['a repository', (repository: Repository<Note>) => repository],
    ['the manager of a transaction', (_: unknown, own: Repository<Note>) => own],
  ])('when it waits for a row that its transaction cannot see, with %s', async (_how, choose) => {
    const { notes, file } = await startSqliteApp();
    const job = notes.run(async (repository) => {
      await repository.save({ text: 'lost' });
      await repository.manager.transaction((manager) => {
        const rows = choose(repository, manager.withRepository(repository));
        return timedQuery(() => rows.findOneBy({ text: 'never' }));
      });
    });
    await expect(job).rejects.toBeInstanceOf(TimedQuerySnapshotError);
    expect(committed(file)).toEqual([]);
  });

  it('when SQLite has ended its transaction after an error that the job swallowed', async () => {
    const { notes, dataSource, file } = await startSqliteApp();
    await dataSource.query(
      `CREATE TRIGGER strict BEFORE INSERT ON note WHEN NEW.text = 'bad' BEGIN SELECT RAISE(ROLLBACK, 'bad note'); END`,
    );
    const job = notes.run(async (repository) => {
      await repository.save({ text: 'lost' });
      await repository.save({ text: 'bad' }).catch(() => undefined);
      await repository.save({ text: 'alone' }).catch(() => undefined);
    });
    await expect(job).rejects.toThrow(JobTransactionError);
    await expect(job).rejects.toMatchObject({
      cause: { message: expect.stringContaining('bad note') },
    });
    expect(committed(file)).toEqual([]);
    await notes.run((repository) => repository.save({ text: 'next' }));
    expect(committed(file)).toEqual(['next']);
  });

  it('when it swallowed the same within a transaction of its own', async () => {
    const { notes, dataSource, file } = await startSqliteApp();
    await dataSource.query(
      `CREATE TRIGGER strict BEFORE INSERT ON note WHEN NEW.text = 'bad' BEGIN SELECT RAISE(ROLLBACK, 'bad note'); END`,
    );
    const job = notes.run(async (repository) => {
      await repository.save({ text: 'lost' });
      await dataSource
        .transaction((manager) => manager.save(Note, { text: 'bad' }))
        .catch(() => undefined);
    });
    await expect(job).rejects.toThrow(JobTransactionError);
    expect(committed(file)).toEqual([]);
  });

  it('when the disk is full', async () => {
    const { notes, file } = await startSqliteApp({
      prepareDatabase: (database: Sqlite) => void database.pragma('max_page_count = 12'),
    });
    const job = notes.run(async (repository) => {
      await repository.save({ text: 'lost' });
      await repository.save({ text: 'x'.repeat(1_000_000) });
    });
    await expect(job).rejects.toThrow('full');
    await notes.run((repository) => repository.save({ text: 'next' }));
    expect(committed(file)).toEqual(['next']);
  });

  it('when the commit is refused', async () => {
    const { notes, dataSource, file } = await startSqliteApp();
    await dataSource.query(
      'CREATE TABLE child (id INTEGER REFERENCES note (id) DEFERRABLE INITIALLY DEFERRED)',
    );
    const job = notes.run(async (repository) => {
      await repository.save({ text: 'lost' });
      await repository.query('INSERT INTO child VALUES (99)');
    });
    await expect(job).rejects.toThrow('FOREIGN KEY');
    await notes.save('next');
    expect(committed(file)).toEqual(['next']);
  });

  it('when the database is read-only, but it may read', async () => {
    const { file, ...first } = await startSqliteApp();
    await first.notes.save('there');
    const { notes } = await startSqliteApp({
      database: file,
      readonly: true,
      synchronize: false,
      enableWAL: false,
    });
    await expect(notes.run((repository) => repository.count())).resolves.toBe(1);
    const job = notes.run((repository) => repository.save({ text: 'lost' }));
    await expect(job).rejects.toThrow('readonly');
    expect(committed(file)).toEqual(['there']);
  });

  it.each(['deleted', 'replaced'])('when the file was %s', async (how) => {
    const { notes, file } = await startSqliteApp();
    const other = freshFile();
    new Sqlite(other).exec('CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT)').close();
    await notes.run((repository) => repository.save({ text: 'before' }));
    rmSync(file);
    if (how === 'replaced') renameSync(other, file);
    const job = notes.run((repository) => repository.save({ text: 'lost' }));
    await expect(job).rejects.toThrow('deleted or replaced');
    expect(committed(file)).not.toContain('lost');
  });
});

/** Asks for an isolation that SQLite does not have. */
@Injectable()
class Isolated {
  constructor(private readonly notes: Notes) {}

  @Background({ transaction: { isolation: 'READ COMMITTED' } })
  async committedReads(): Promise<string[]> {
    return this.notes.texts();
  }

  @Background({ transaction: { isolation: 'SERIALIZABLE' } })
  async serializable(): Promise<string[]> {
    return this.notes.texts();
  }
}

describe('A job on a SQLite file', () => {
  it('can have the isolation SERIALIZABLE, and is told that there is no other', async () => {
    const app = await startSqliteApp({}, { providers: [Isolated] });
    const isolated = app.get(Isolated);
    await expect(isolated.serializable()).resolves.toEqual([]);
    await expect(isolated.committedReads()).rejects.toThrow('none but SERIALIZABLE');
    await app.notes.save('the lock is free');
  });

  it('waits for another process without stopping the event loop', async () => {
    const { notes, file } = await startSqliteApp();
    const process = new Sqlite(file, { timeout: 0 });
    process.exec("BEGIN IMMEDIATE; INSERT INTO note (text) VALUES ('other process')");
    const longest = await ticking(async (enough) => {
      const job = notes.run((repository) => repository.save({ text: 'job' }));
      await enough;
      process.exec('COMMIT').close();
      await job;
    });
    expect(longest).toBeLessThan(1_000);
    expect(committed(file)).toEqual(['other process', 'job']);
  });

  it('is cancelled while it waits for another process', async () => {
    const { notes, service, file } = await startSqliteApp();
    const process = new Sqlite(file, { timeout: 0 });
    process.exec('BEGIN IMMEDIATE');
    const job = notes.run((repository) => repository.save({ text: 'never' }));
    job.catch(() => undefined);
    await ticking((enough) => enough);
    const [running] = await service.list({ state: 'running' });
    await service.cancel(running!.id);
    await expect(job).rejects.toThrow('cancelled');
    await service.drain();
    process.exec('COMMIT').close();
    await notes.save('next');
    expect(committed(file)).toEqual(['next']);
  });

  it('says once that the file should have a write-ahead log, and is correct without one', async () => {
    const { notes, log, file } = await startSqliteApp({ enableWAL: false });
    expect(log.containing('warn', '{ enableWAL: true }')).toHaveLength(1);
    const big = 'x'.repeat(1_000_000);
    const [filled, goOn] = [new Latch(), new Latch()];
    const job = notes.run(async (repository) => {
      // More than the cache holds: it would go to the file, and lock all readers out of it.
      for (let n = 0; n < 30; n++) await repository.save({ text: big });
      expect(await notes.texts()).toHaveLength(30);
      filled.open();
      await goOn.opened;
    });
    await filled.opened;
    expect(await notes.texts()).toEqual([]);
    expect(await notes.runBare((repository) => repository.count())).toBe(0);
    expect(committed(file)).toEqual([]);
    goOn.open();
    await job;
    expect(await notes.texts()).toHaveLength(30);
  });

  it('says nothing of a file that has one', async () => {
    const { log } = await startSqliteApp();
    expect(log.containing('warn', 'WAL')).toEqual([]);
  });
});
