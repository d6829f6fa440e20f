import { join, dirname } from 'node:path';
import { symlinkSync } from 'node:fs';
import { afterEach, describe, expect, it } from '@jest/globals';
import { getRepositoryToken, TypeOrmModule } from '@nestjs/typeorm';
import { Column, DataSource, Entity, PrimaryGeneratedColumn, type Repository } from 'typeorm';
import { databaseOf } from '../../src/transaction/sqlite/sqlite-database.js';
import { JobDeadlockError } from '../../src/index.js';
import { Latch } from '../support/latch.js';
import { closeApps, startApp } from '../support/test-app.js';
import {
  committed,
  freshFile,
  holdingJob,
  Note,
  Notes,
  removeFiles,
  startSqliteApp,
  type SqliteApp,
} from './sqlite-app.js';

afterEach(async () => {
  await closeApps();
  removeFiles();
});

@Entity({ database: 'other.sqlite' })
class Attached {
  @PrimaryGeneratedColumn()
  id!: number;

  @Column()
  text!: string;
}

describe('Several databases and applications', () => {
  it('writes to attached databases in the same transaction', async () => {
    const file = freshFile();
    const { notes, dataSource } = await startSqliteApp({
      database: file,
      entities: [Note, Attached],
    });
    const job = notes.run(async (repository) => {
      await repository.save({ text: 'main' });
      await dataSource.manager.save(Attached, { text: 'attached' });
      throw new Error('undone');
    });
    await expect(job).rejects.toThrow('undone');
    expect(await dataSource.manager.count(Attached)).toBe(0);
    await notes.run(() => dataSource.manager.save(Attached, { text: 'attached' }));
    expect(await dataSource.manager.count(Attached)).toBe(1);
  });

  it('shares the lock of a file between two applications, also by another path', async () => {
    const first = await startSqliteApp();
    const link = join(dirname(freshFile()), 'link.sqlite');
    symlinkSync(first.file, link);
    const second = await startSqliteApp({ database: link, synchronize: false });
    const { over, goOn } = await holdingJob(first.notes);
    const others = [
      second.notes.save('request'),
      second.notes.run((repository) => repository.save({ text: 'second' })),
    ];
    expect(await second.notes.texts()).toEqual([]);
    goOn();
    await Promise.all([over, ...others]);
    expect(committed(first.file)).toEqual(['job', 'request', 'second']);
  });

  it('lets a job write to two files through two DataSources, and undoes both', async () => {
    const second = freshFile();
    const { app, other } = await startWithTwo(second);
    const both = async (repository: Repository<Note>): Promise<void> => {
      await repository.save({ text: 'here' });
      await other.save({ text: 'there' });
    };
    await app.notes.run(both);
    const undone = app.notes.run(async (repository) => {
      await both(repository);
      throw new Error('undone');
    });
    await expect(undone).rejects.toThrow('undone');
    expect([committed(app.file), committed(second)]).toEqual([['here'], ['there']]);
  });

  it('refuses at once two jobs that each want the file that the other has written to', async () => {
    const second = freshFile();
    const { app, other } = await startWithTwo(second);
    const [oneWrote, twoWrote] = [new Latch(), new Latch()];
    const one = app.notes.run(async (repository) => {
      await repository.save({ text: 'one' });
      oneWrote.open();
      await twoWrote.opened;
      await other.save({ text: 'one' });
    });
    const two = app.notes.run(async (repository) => {
      await other.save({ text: 'two' });
      twoWrote.open();
      await oneWrote.opened;
      await repository.save({ text: 'two' });
    });
    const ends = await Promise.allSettled([one, two]);
    const [refused] = ends.filter((end) => end.status === 'rejected');
    expect(refused?.reason).toBeInstanceOf(JobDeadlockError);
    const winner = ends[0].status === 'fulfilled' ? 'one' : 'two';
    expect([committed(app.file), committed(second)]).toEqual([[winner], [winner]]);
  });

  it('two jobs in applications that share one DataSource both commit', async () => {
    const first = await startSqliteApp();
    const second = await sharing(first);
    await Promise.all([
      first.notes.run((repository) => repository.save({ text: 'a' })),
      second.run((repository) => repository.save({ text: 'b' })),
      first.notes.save('c'),
    ]);
    expect(committed(first.file).sort()).toEqual(['a', 'b', 'c']);
  });

  it('keeps the connections of jobs for later ones, and closes them with the DataSource', async () => {
    const app = await startSqliteApp();
    const database = databaseOf(app.dataSource as never);
    const opened = new Set<unknown>();
    const noted = async (repository: Repository<Note>): Promise<void> => {
      await repository.save({ text: 'x' });
      const runner = app.dataSource.createQueryRunner();
      opened.add(await runner.connect());
    };
    for (let n = 0; n < 3; n++) await app.notes.run(noted);
    expect(opened.size).toBe(1);
    const [native] = [...opened] as { open: boolean }[];
    expect(native?.open).toBe(true);
    await app[Symbol.asyncDispose]();
    expect(native?.open).toBe(false);
    expect(database.isHeldByJob).toBe(false);
  });
});

async function startWithTwo(
  database: string,
): Promise<{ app: SqliteApp; other: Repository<Note> }> {
  const root = TypeOrmModule.forRoot({
    ...{ name: 'second', type: 'better-sqlite3', database },
    ...{ entities: [Note], synchronize: true, enableWAL: true },
  });
  const imports = [root, TypeOrmModule.forFeature([Note], 'second')];
  const app = await startSqliteApp({}, { imports });
  const token = getRepositoryToken(Note, 'second');
  return { app, other: app.app.get<Repository<Note>>(token, { strict: false }) };
}

/** Another application with the DataSource of the first. */
async function sharing(first: SqliteApp): Promise<Notes> {
  const app = await startApp({
    providers: [
      Notes,
      { provide: DataSource, useValue: first.dataSource },
      { provide: getRepositoryToken(Note), useValue: first.notes.repository },
    ],
  });
  return app.get(Notes);
}
